#pragma once

#include <filesystem>
#include <string>

#include "engine/io/safetensors.h"

namespace training {

/// The licence of a checkpoint's weights, in the words of whoever states it: `license` in the metadata of a
/// file that this program has written; else in pretrained_cfg of timm's config.json in `folder`, or, where
/// that leaves it out, of the published checkpoint that the config names; else in the metadata. Empty where
/// nothing states it. Throws an Error that begins with the file.
std::string stated_license(const std::filesystem::path& folder, const engine::Metadata& metadata);

}  // namespace training
