#include "engine/io/json.h"

#include <nlohmann/json.hpp>
#include <string>

#include "engine/io/file.h"
#include "engine/io/json_events.h"

namespace engine {

Json parse_json(std::string_view text, std::string_view what) {
  // Checked first and built after: a Json under construction can no longer tell a key given twice.
  try {
    JsonEvents nobody;
    parse_json_events(text, nobody);
  } catch (const JsonError& error) {
    throw Error(say(std::string(what) + ":", error.what()));
  }
  return Json::parse(text);
}

Json read_json(const std::filesystem::path& path) {
  return parse_json(read_file(path, kMaxJsonFile), path.string());
}

}  // namespace engine
