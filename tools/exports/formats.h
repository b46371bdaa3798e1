#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "tools/training/pretrained/model_source.h"

namespace exports {

/// What is exported: a model without adapters, and what its files are to state beside its values.
struct Exported {
  training::LoadedModel& model;
  std::string license;  ///< of the base; empty where nothing states it
};

struct ExportOptions {
  std::string dtype = "f32";   ///< one of the format's
  bool external_data = false;  ///< ONNX: the weights in a file of their own
};

/// A form in which other software reads a model.
struct Format {
  std::string name, readers;  ///< "onnx", "ONNX Runtime, ..."
  std::vector<std::string> dtypes;
  /// Throws an Error when something lies at the path that is none of ours of that form, and so must not be
  /// replaced; the path may be free.
  void (*check_replaceable)(const std::filesystem::path& out);
  /// Writes the model to a path and returns the files that were written.
  std::vector<std::filesystem::path> (*write)(const std::filesystem::path& out, const Exported& exported,
                                              const ExportOptions& options);
};

/// All formats. A new one is a row of the table in formats.cpp.
std::span<const Format> formats();
/// By name; an Error that suggests others where there is none of that name.
const Format& find_format(const std::string& name);

/// Throws an Error that names what would be right, unless the format has that dtype.
void check_dtype(const Format& format, const std::string& dtype);

}  // namespace exports
