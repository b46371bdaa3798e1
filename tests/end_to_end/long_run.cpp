#include "tests/end_to_end/long_run.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace end_to_end {

Words demanding() {
  return {
      "--augment",         "fgvc", "--mixup",      "0.4", "--cutmix",    "1",     "--ema",          "0.8",
      "--drop-path",       "0.3",  "--clip",       "1",   "--optimizer", "adamw", "--weight-decay", "0.05",
      "--label-smoothing", "0.1",  "--patch-drop", "0.5"};
}

Words long_run(const Garden& garden, const std::string& method, const fs::path& out, const Words& more) {
  return Words{"tune"} + garden.job(method) +
         Words{"--epochs", "60", "--eval-every", "2", "--lr", "0.003", "--out", out} + demanding() + more;
}

std::vector<Json> timeless(const fs::path& folder) {
  std::vector<Json> lines = read_lines(folder / "metrics.jsonl");
  for (Json& line : lines) line.erase("images_per_s");
  return lines;
}

void expect_same_run(const fs::path& a, const fs::path& b) {
  EXPECT_TRUE(read_text(a / "delta.safetensors") == read_text(b / "delta.safetensors"));
  EXPECT_EQ(timeless(a), timeless(b));
  Json one = read_json(a / "result.json"), other = read_json(b / "result.json");
  for (Json* result : {&one, &other}) {
    for (const char* field : {"seconds", "phases", "peak_mb", "resumed", "prefix_cache"})
      result->erase(field);
    for (const char* split : {"val", "test"})
      if (result->contains(split)) (*result)[split].erase("seconds");
  }
  EXPECT_EQ(one, other);
}

void wait_for_line(Background& run, const fs::path& folder, const std::string& text) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < give_up && run.running()) {
    if (fs::exists(folder / "metrics.jsonl") &&
        read_text(folder / "metrics.jsonl").find(text) != std::string::npos)
      break;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

bool kill_at_step(const Words& words, const fs::path& folder, const std::string& step) {
  Background run(words);
  wait_for_line(run, folder, "\"step\",\"step\":" + step + ",");
  return run.kill();
}

}  // namespace end_to_end
