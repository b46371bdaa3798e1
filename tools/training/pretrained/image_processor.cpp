#include "tools/training/pretrained/image_processor.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/io/in_quotes.h"
#include "tools/training/pretrained/config_fields.h"
#include "tools/training/pretrained/config_values.h"

namespace training {

using data::Preprocessing;
using engine::Index;
using engine::Json;

namespace {

constexpr std::array<float, 3> kHalf = {0.5f, 0.5f, 0.5f};
constexpr std::array<float, 3> kImageNetMean = {0.485f, 0.456f, 0.406f},
                               kImageNetStd = {0.229f, 0.224f, 0.225f};
constexpr Index kBilinear = 2, kBicubic = 3;  // Pillow's codes of filters, as `resample` has them

/// A class of transformers, without ImageProcessor at its end, and its defaults.
struct Class {
  const char* name;
  Index size;
  bool short_side;  ///< one number as size is the short side, not both
  bool cuts;        ///< has a centre crop
  bool crop;        ///< and does it where the file does not say
  Index crop_size, resample;
  std::array<float, 3> mean, std;
  bool resizes_floats = false;  ///< after scaling them to 0..1, without rounding to whole levels
};

constexpr Class kClasses[] = {
    {"ViT", 224, false, false, false, 224, kBilinear, kHalf, kHalf},
    {"DeiT", 256, false, true, true, 224, kBicubic, kHalf, kHalf},
    {"Beit", 224, false, true, false, 224, kBicubic, kHalf, kHalf},
    {"CLIP", 224, true, true, true, 224, kBicubic, kClipMean, kClipStd},
    {"Bit", 224, true, true, true, 224, kBicubic, kClipMean, kClipStd},
    {"Siglip", 224, false, false, false, 224, kBicubic, kHalf, kHalf},
    {"DINOv3ViT", 224, false, false, false, 224, kBilinear, kImageNetMean, kImageNetStd, true},
};
/// Those whose fields mean something else than in the classes above.
constexpr std::string_view kOthers[] = {"Siglip2", "ConvNext", "Levit", "PoolFormer", "EfficientNet"};

std::string without_end(std::string name, std::string_view end) {
  if (name.ends_with(end)) name.resize(name.size() - end.size());
  return name;
}

/// The class a file names, without ImageProcessor, FeatureExtractor (as old files call it), Fast and Pil.
std::optional<std::string> class_name(const Json& json) {
  auto name = field<std::string>(json, "image_processor_type");
  if (!name) name = field<std::string>(json, "feature_extractor_type");
  if (!name) return std::nullopt;
  std::string bare = without_end(without_end(*name, "Fast"), "Pil");
  return without_end(without_end(bare, "ImageProcessor"), "FeatureExtractor");
}

bool has(const Json& json, const char* name) {
  return json.contains(name) && !json.at(name).is_null();
}

/// A flag of a file; null is false, as transformers takes it.
bool flag(const Json& json, const char* name, bool otherwise) {
  return json.contains(name) ? field<bool>(json, name).value_or(false) : otherwise;
}

/// The defaults for a file. Nothing for a class that is not known: then the file must say all.
const Class* defaults_for(const Json& json) {
  const auto name = class_name(json);
  if (!name) {  // transformers goes by the model, which is a ViT
    return flag(json, "do_center_crop", false) ? nullptr : std::begin(kClasses);
  }
  const auto* const found = std::ranges::find(kClasses, *name, &Class::name);
  if (found != std::end(kClasses)) return found;
  engine::check(std::ranges::find(kOthers, *name) == std::end(kOthers), "image_processor_type",
                engine::in_quotes(*name + "ImageProcessor"),
                "prepares images in a way of its own, which is not done");
  for (const char* needed : {"size", "resample", "do_center_crop", "image_mean", "image_std"}) {
    engine::check(has(json, needed), "there is no", needed, "and image_processor_type",
                  engine::in_quotes(*name + "ImageProcessor"),
                  "is not known, so that its default is not known");
  }
  return nullptr;
}

/// A size in Hugging Face's forms: 224, [224, 224], {"height": 224, "width": 224} or {"shortest_edge": 256}.
struct Size {
  data::ImageSize least;    ///< what an image is to fill, or
  bool short_side = false;  ///< to cover as it is
};

Size size_of(const Json& size, const std::string& name, bool number_is_short_side) {
  if (!size.is_object()) {
    const data::ImageSize sides = per_side_as<Index>(size, name);
    return {sides, number_is_short_side && sides.is_single()};
  }
  for (const auto& [key, value] : size.items()) {
    engine::check(key == "height" || key == "width" || key == "shortest_edge" || value.is_null(),
                  name + "." + key, "is not known: height and width, or shortest_edge, are");
  }
  const auto height = field<Index>(size, "height"), width = field<Index>(size, "width"),
             edge = field<Index>(size, "shortest_edge");
  engine::check(!edge != !(height && width), name, "should have a height and a width, or a shortest_edge");
  if (edge) return {*edge, true};
  return {{*height, *width}, false};
}

/// The share that a crop of `crop` is of `edge`, such that floor(crop / share) is `edge`.
double share_of(Index crop, Index edge) {
  double share = static_cast<double>(crop) / static_cast<double>(edge);
  while (std::floor(static_cast<double>(crop) / share) < static_cast<double>(edge))  // rounded the wrong way
    share = std::nextafter(share, 0);
  return share;
}

/// The size of the images that leave the processor, and what they are cut from.
void read_size(const Json& json, const Class* defaults, Preprocessing& how) {
  const bool by_number = field<bool>(json, "default_to_square").has_value()
                             ? !*field<bool>(json, "default_to_square")
                             : defaults && defaults->short_side;
  const auto [size, short_side] = has(json, "size") ? size_of(json.at("size"), "size", by_number)
                                                    : Size{defaults ? defaults->size : 0, by_number};
  engine::check(size.height > 0 && size.width > 0, "size should be above 0, not", size);
  const bool crop = flag(json, "do_center_crop", defaults && defaults->crop);
  if (!crop) {
    engine::check(!short_side, "size is a shortest_edge and do_center_crop is not true:",
                  "the images would be of different sizes, which is not computed");
    how.size = size;
    return;
  }
  engine::check(!defaults || defaults->cuts,
                "do_center_crop should be false:", defaults ? defaults->name : "",
                "image processors of transformers 4 pass it over and those of 5 do not");
  engine::check(has(json, "crop_size") || defaults, "there is no crop_size");
  const data::ImageSize cut =
      has(json, "crop_size") ? size_of(json.at("crop_size"), "crop_size", false).least : defaults->crop_size;
  engine::check(cut.height > 0 && cut.width > 0, "crop_size should be above 0, not", cut);
  engine::check(cut.height <= size.height && cut.width <= size.width, "crop_size is", cut, "but size only",
                engine::say(size) + ": images would be padded, which is not done");
  how.mode = short_side ? Preprocessing::Mode::crop : Preprocessing::Mode::squash_crop;
  how.crop_pct = {share_of(cut.height, size.height), share_of(cut.width, size.width)};
  how.crop_start = Preprocessing::CropStart::floor;
  how.size = cut;
}

/// (v f - mean) / std of a byte v is (v / 255 - mean / 255 f) / (std / 255 f).
void read_scale(const Json& json, Preprocessing& how) {
  constexpr double kOurs = 1.0 / 255;
  const double theirs =
      flag(json, "do_rescale", true) ? field<double>(json, "rescale_factor").value_or(kOurs) : 1.0;
  engine::check(theirs > 0 && std::isfinite(theirs), "rescale_factor should be above 0, not", theirs);
  if (!flag(json, "do_normalize", true)) how.mean = {0, 0, 0}, how.std = {1, 1, 1};
  if (std::abs(theirs / kOurs - 1) < 1e-6) return;  // 1 / 255, rounded
  for (float& mean : how.mean) mean = static_cast<float>(mean * kOurs / theirs);
  for (float& std : how.std) std = static_cast<float>(std * kOurs / theirs);
}

}  // namespace

Preprocessing read_image_processor(const Json& json, const std::string& file, const ModelSource& options,
                                   std::vector<std::string>& notes) {
  std::vector<std::string> unknown;
  check_config_fields(json, std::array{ConfigForm::processor}, "", unknown);
  note_unknown(unknown, file, notes);
  const Class* const defaults = defaults_for(json);
  for (const char* needed : {"size", "resample", "image_mean", "image_std"}) {
    engine::check(defaults || has(json, needed), "there is no", needed,
                  "and no image_processor_type that says what is taken then");
  }
  if (defaults && defaults->resizes_floats) {
    notes.push_back(
        file + ": a " + defaults->name +
        "ImageProcessor resizes numbers that are not rounded to whole levels of 255; here they are, "
        "and may be a level apart");
  }
  Preprocessing how;
  const Index resample = field<Index>(json, "resample").value_or(defaults ? defaults->resample : 0);
  engine::check(resample == kBilinear || resample == kBicubic || !options.interpolation.empty(),
                "resample should be 2 (bilinear) or 3 (bicubic), not",
                engine::say(resample) + "; --interpolation overrides it");
  how.filter = resample == kBicubic ? data::Filter::bicubic : data::Filter::bilinear;
  try {
    read_size(json, defaults, how);
  } catch (const engine::Error&) {
    if (options.resize.empty()) throw;
  }
  if (defaults) how.mean = defaults->mean, how.std = defaults->std;
  read_three(json, "image_mean", how.mean);
  read_three(json, "image_std", how.std);
  read_scale(json, how);
  check_stored(how);
  return how;
}

}  // namespace training
