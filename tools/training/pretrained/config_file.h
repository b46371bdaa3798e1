#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/base/check.h"
#include "engine/io/json.h"

namespace training {

/// Runs `f` on the object in a JSON file, if the file is there. Errors, the JSON library's complaints about
/// types among them, are Errors that begin with the file.
template <class F>
void in_config_file(const std::filesystem::path& path, F f) {
  if (!std::filesystem::exists(path)) return;
  const engine::Json json = engine::read_json(path);
  try {
    engine::check(json.is_object(), "should hold one JSON object");
    f(json);
  } catch (const std::exception& e) {
    throw engine::Error(path.string() + ": " + e.what());
  }
}

}  // namespace training
