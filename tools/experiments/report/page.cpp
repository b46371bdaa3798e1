#include "tools/experiments/report/page.h"

#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "engine/io/sha256.h"
#include "tools/experiments/report/base64.h"
#include "tools/experiments/report/embedded.h"
#include "tools/training/json_text.h"

namespace experiments {

namespace {

// In the order in which they need one another.
constexpr const char* kScripts[] = {"dom",       "theme",      "numbers", "table",     "chart",   "bars",
                                    "ramp",      "grid",       "curves",  "confusion", "classes", "mistakes",
                                    "selection", "units",      "energy",  "facts",     "run",     "scatter",
                                    "rates",     "comparison", "main"};

std::string page_file(const std::string& name) {
  return std::string(embedded_file("tools/experiments/report/page/" + name));
}

std::string scripts() {
  std::string all = "/*\n" + std::string(embedded_file("third_party/uplot/LICENSE")) + "\n*/\n" +
                    std::string(embedded_file("third_party/uplot/uPlot.iife.min.js"));
  for (const char* name : kScripts) all += '\n' + page_file(name + std::string(".js"));
  return all;
}

std::string styles() {
  return std::string(embedded_file("third_party/uplot/uPlot.min.css")) + '\n' + page_file("style.css");
}

/// What names this text, and no other, in a policy.
std::string policy_hash(std::string_view text) {
  engine::Sha256 hash;
  hash.add(std::as_bytes(std::span(text)));
  const std::string hex = hash.hex();
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return "'sha256-" + base64(bytes) + "'";
}

/// Puts `text` where `page` has {{mark}}.
void fill(std::string& page, const std::string& mark, std::string_view text) {
  const std::string whole = "{{" + mark + "}}";
  const std::size_t at = page.find(whole);
  engine::check(at != std::string::npos, "page.html has no", whole);
  page.replace(at, whole.size(), text);
}

}  // namespace

std::string script_json(const nlohmann::ordered_json& data) {
  std::string safe;
  for (const char c : training::json_text(data)) c == '<' ? safe += "\\u003c" : safe += c;
  return safe;
}

std::string report_page(const nlohmann::ordered_json& data) {
  const std::string script = scripts(), style = styles();
  std::string page = page_file("page.html");
  fill(page, "style-hash", policy_hash(style));
  fill(page, "script-hash", policy_hash(script));
  fill(page, "style", style);
  fill(page, "script", script);
  fill(page, "data", script_json(data));  // last: nothing is looked for in it
  return page;
}

}  // namespace experiments
