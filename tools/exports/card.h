#pragma once

#include "tools/exports/formats.h"

namespace exports {

/// A model card: what the model is, its base and licence, and of a run the data, the method and the metrics,
/// with the front matter that the hub reads. `library` is the hub's word, "timm"; `usage` is Python. Nothing
/// in it is a path of this machine: of folders and files it has the names alone.
std::string model_card(const Exported& exported, const std::string& library, const std::string& dtype,
                       const std::string& usage);

/// The name of a base for people: its folder's, or the file's where a folder says nothing.
std::string name_of_base(const Exported& exported);

}  // namespace exports
