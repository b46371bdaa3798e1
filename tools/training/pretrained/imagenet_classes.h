#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace training {

/// The names of ImageNet-1k's 1000 classes in the order of heads trained on it.
const std::vector<std::string>& imagenet_classes();

/// True for a tag of timm's weights whose last training was on ImageNet-1k: "augreg_in21k_ft_in1k", "in1k",
/// "fb_in22k_ft_in1k_384".
bool is_imagenet_tag(std::string_view tag);

}  // namespace training
