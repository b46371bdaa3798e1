#include "tools/training/prefix/options.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "engine/base/text.h"

namespace training {

namespace {

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return std::isdigit(static_cast<unsigned char>(c)) || c == '.';
  });
}

struct Unit {
  std::string_view name;
  double bytes;
};
constexpr Unit kUnits[] = {{"KB", 1e3},
                           {"MB", 1e6},
                           {"GB", 1e9},
                           {"TB", 1e12},
                           {"KiB", 1024.0},
                           {"MiB", 1024.0 * 1024},
                           {"GiB", 1024.0 * 1024 * 1024},
                           {"TiB", 1024.0 * 1024 * 1024 * 1024}};

/// The bytes of "500MB"; nothing for a text of another form.
std::optional<std::uint64_t> read_size(std::string_view text) {
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.name)) continue;
    const std::string_view number = text.substr(0, text.size() - unit.name.size());
    if (!is_number(number)) return std::nullopt;
    const double bytes = engine::parse_number(number, "--prefix-cache") * unit.bytes;
    engine::check(bytes < 1e18, "--prefix-cache", text, "is more than any disk has");
    return static_cast<std::uint64_t>(bytes);
  }
  return std::nullopt;
}

/// True for what was probably meant as a number of bytes.
bool is_like_a_size(std::string_view text) {
  return !text.empty() &&
         (std::isdigit(static_cast<unsigned char>(text[0])) || text[0] == '-' || text[0] == '+') &&
         text.find('/') == std::string_view::npos;
}

}  // namespace

PrefixCacheOptions PrefixCacheOptions::parse(const std::string& text) {
  PrefixCacheOptions o;
  o.off = text == "off";
  if (o.off || text == "auto") return o;
  const std::size_t comma = text.rfind(',');
  const std::string last = comma == std::string::npos ? text : text.substr(comma + 1);
  o.most = read_size(last);
  o.folder = !o.most ? text : comma == std::string::npos ? "" : text.substr(0, comma);
  const std::string folder = o.folder.string();
  engine::check(!text.empty() && (o.most || !is_like_a_size(last)) && folder != "off" && folder != "auto" &&
                    !is_like_a_size(folder),
                "--prefix-cache takes off, auto, a size as 500MB or 4GiB, a folder, or DIR,SIZE, not '" +
                    text + "'; a folder of such a name is ./NAME");
  return o;
}

}  // namespace training
