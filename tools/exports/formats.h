#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "tools/training/pretrained/model_source.h"

namespace exports {

/// What is exported, and where it came from.
struct Exported {
  training::LoadedModel& model;  ///< without adapters, unless the format keeps them
  std::string license;           ///< of the base; empty where nothing states it
  std::string base = {};         ///< what --model named; empty where the base is random
  std::string delta = {};        ///< the file of the delta; empty where there is none
  std::string run = {};          ///< the folder of the run whose delta it is, if any
  std::string command = {};      ///< that exports it, without the paths of this machine
};

struct ExportOptions {
  std::string dtype = {};      ///< one of the format's; empty: the base's where the format has it, else f32
  bool only_checks = false;    ///< nothing is written, but what would be refused is
  bool external_data = false;  ///< ONNX: the weights in a file of their own
};

/// A form in which other software reads a model.
struct Format {
  std::string name, readers;  ///< "onnx", "ONNX Runtime, ..."
  std::vector<std::string> dtypes;
  bool folder = false;          ///< what is written is a folder of files
  bool keeps_adapters = false;  ///< they are written as they are, not merged into the weights
  /// Throws an Error when something lies at the path that is none of ours of that form, and so must not be
  /// replaced; the path may be free.
  void (*check_replaceable)(const std::filesystem::path& out);
  /// Writes the model to a path and returns the files that were written. With ExportOptions::only_checks it
  /// does all but that, so that what would be refused is. Throws an Error, with nothing
  /// written, that names what the format cannot hold and another way out.
  std::vector<std::filesystem::path> (*write)(const std::filesystem::path& out, const Exported& exported,
                                              const ExportOptions& options);
};

/// All formats. A new one is a row of the table in formats.cpp.
std::span<const Format> formats();
/// By name; an Error that suggests others where there is none of that name.
const Format& find_format(const std::string& name);

/// Throws an Error that names what would be right, unless the format has that dtype or none is given.
void check_dtype(const Format& format, const std::string& dtype);

}  // namespace exports
