#pragma once

#include <filesystem>

#include "data/dataset.h"
#include "data/image_folder.h"

namespace data {

/// True when DIR holds a metadata.csv or metadata.jsonl, which lists the images below DIR as Hugging Face's
/// imagefolder has it.
bool has_metadata(const std::filesystem::path& dir);

/// True when DIR or the folder of one of its splits has such a list, or one that is called almost so.
bool is_metadata_folder(const std::filesystem::path& dir);

/// The images of the list in DIR, uncut (Splits::whole), or of the list in the folder of each split. A list
/// without labels has further columns for images in class folders. Images that no list names are left out
/// with a note. Throws an Error where datasets would read something else in silence: a list beside the
/// folders of splits, two lists, one by another name, a label against the folder that its image lies in.
Splits open_metadata_folder(const std::filesystem::path& dir, const FolderOptions& options = {});

}  // namespace data
