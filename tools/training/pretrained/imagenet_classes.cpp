#include "tools/training/pretrained/imagenet_classes.h"

namespace training {

const std::vector<std::string>& imagenet_classes() {
  static const std::vector<std::string> names = {
#define IMAGENET_CLASS(synset, name) name,
#include "tools/training/pretrained/imagenet_classes.def"
#undef IMAGENET_CLASS
  };
  return names;
}

bool is_imagenet_tag(std::string_view tag) {
  constexpr std::string_view data = "in1k";
  const auto size = tag.find_last_not_of("0123456789");  // _384: the size of its images
  if (size != std::string_view::npos && tag[size] == '_') tag = tag.substr(0, size);
  if (!tag.ends_with(data)) return false;
  tag.remove_suffix(data.size());
  return tag.empty() || tag.ends_with('_');
}

}  // namespace training
