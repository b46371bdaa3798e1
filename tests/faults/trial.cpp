#include "tests/faults/trial.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <sstream>

#include "tests/support/sanitizer.h"

namespace faults {

using end_to_end::Json;

namespace {

void erase_times(Json& json) {
  if (json.is_object()) {
    for (const char* time : {"images_per_s", "seconds", "phases", "peak_mb", "resumed"}) json.erase(time);
  }
  if (!json.is_structured()) return;
  for (Json& inner : json) erase_times(inner);
}

/// The content of a file without times; each line of JSON as it is otherwise.
std::string timeless(const fs::path& file) {
  const std::string text = end_to_end::read_text(file);
  if (file.extension() == ".safetensors") return text;
  if (file.extension() == ".json") {
    Json json = Json::parse(text, nullptr, false);
    erase_times(json);
    return json.dump(2);
  }
  if (file.extension() == ".html") {  // the report: what its scripts are given
    const std::string_view mark = "id=\"data\">";
    const std::size_t begin = text.find(mark) + mark.size(), end = text.find("</script>", begin);
    Json json = Json::parse(text.substr(begin, end - begin), nullptr, false);
    EXPECT_FALSE(json.is_discarded()) << file;
    erase_times(json);
    return json.dump(2);
  }
  std::istringstream stream(text);
  if (file.filename() ==
      "images.jsonl") {  // a record: in any order, again after a resume, a last line cut off
    std::set<std::string> known;
    for (std::string line; std::getline(stream, line);)
      if (Json::parse(line, nullptr, false).is_object()) known.insert(line + '\n');
    std::string all;
    for (const std::string& line : known) all += line;
    return all;
  }
  std::string lines;
  for (std::string line; std::getline(stream, line);) {
    Json json = Json::parse(line, nullptr, false);
    EXPECT_TRUE(json.is_object()) << file << ": " << line;
    erase_times(json);
    lines += json.dump() + '\n';
  }
  return lines;
}

/// All files of a run but the lock and the checkpoints, which may come from other steps.
std::map<std::string, std::string> ending_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (name != "run.lock" && !name.starts_with("checkpoint")) files[name] = timeless(entry.path());
  }
  return files;
}

}  // namespace

Outcome run_recorded(const fs::path& file, const Words& words) {
  return end_to_end::run(words, {.through = {"env", "ESPALIER_RECORD=" + file.string()}});
}

Outcome run_with(const std::string& fault, const Words& words) {
  const Words through = fault.empty() ? Words{} : Words{"env", "ESPALIER_FAULT=" + fault};
  return end_to_end::run(words, {.through = through});
}

Words leftovers(const fs::path& folder) {
  Words names;
  if (!fs::exists(folder)) return names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(".")) names.push_back(name);
  }
  return names;
}

bool exhaustive() {
  const char* wanted = std::getenv("ESPALIER_EXHAUSTIVE");
  return wanted && std::string(wanted) == "1";
}

Trial::Trial() {
  fs::create_directory(ground());
  const std::string recording = *this / "recording";
  const Outcome outcome = run_recorded(recording, words());
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  calls_ = read_recording(recording);
  whole_ = ending_of(folder());
  EXPECT_EQ(whole_.size(), 8u) << "config, metrics, images, selection, delta, judged, result, report";
  clear();
}

Words Trial::words() const {
  return {"tune",   "--model",      model(), "--data",    data(), "--method",     "grft", "--out",
          folder(), "--threads",    "1",     "--workers", "0",    "--batch-size", "6",    "--steps",
          "5",      "--save-every", "2",     "--lr",      "0.01", "--augment",    "fgvc", "--ema",
          "0.8",    "--mixup",      "0.4",   "--cutmix",  "1",    "--drop-path",  "0.3"};
}

Outcome Trial::start(const Words& more, const std::string& fault) const {
  return run_with(fault, words() + more);
}

Outcome Trial::resume(const std::string& after) const {
  const Outcome outcome = start({"--resume"});
  EXPECT_EQ(outcome.status, 0) << after << ": " << outcome.err;
  EXPECT_EQ(difference(), "") << after;
  return outcome;
}

std::string Trial::difference() const {
  std::string differences;
  const std::map<std::string, std::string> files = ending_of(folder());
  for (const auto& [name, content] : files) {
    const auto found = whole_.find(name);
    if (found == whole_.end())
      differences += name + " should not be there\n";
    else if (content != found->second)
      differences += name + " differs\n" + (name.ends_with(".safetensors") ? "" : content);
  }
  for (const auto& [name, content] : whole_) {
    if (!files.contains(name)) differences += name + " is missing\n";
  }
  return differences;
}

void Trial::clear() const {
  for (const auto& entry : fs::directory_iterator(ground())) fs::remove_all(entry.path());
}

std::vector<long> Trial::numbers() const {
  const long stride = support::kSanitized && !exhaustive() ? 11 : 1;
  std::vector<long> some;
  for (long n = 1; n <= static_cast<long>(calls_.size()); n += stride) some.push_back(n);
  return some;
}

}  // namespace faults
