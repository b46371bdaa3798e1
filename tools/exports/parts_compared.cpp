#include "tools/exports/parts_compared.h"

#include <array>
#include <charconv>
#include <cmath>
#include <map>

#include "engine/base/text.h"
#include "models/parts.h"
#include "models/words.h"
#include "models/zoo.h"
#include "tools/training/pretrained/metadata.h"

namespace exports {

using data::Preprocessing;
using models::VitConfig;

namespace {

/// With what does not count set to what it is by itself.
VitConfig compared(VitConfig c) {
  c.resampling = {};
  const bool pool = c.pooling == models::Pooling::attention;
  c.pool_heads = !pool ? 0 : c.pool_heads > 0 ? c.pool_heads : c.heads;
  c.pool_hidden = !pool ? 0 : c.pool_hidden > 0 ? c.pool_hidden : c.hidden;
  if (c.mlp != models::MlpForm::plain && !pool) c.activation = {};
  return c;
}

/// True where the two ways to place a centre (Preprocessing::CropStart) differ for any image.
bool start_shows(const Preprocessing& how) {
  if (how.mode == Preprocessing::Mode::crop) return true;  // the long side may have any length
  const data::ImageSize resized = resized_size(how);
  return (resized.height - how.size.height) % 4 == 3 || (resized.width - how.size.width) % 4 == 3;
}

}  // namespace

std::string difference_of_parts(training::ModelConfig read, const engine::NamedTensors& state,
                                const VitConfig& c) {
  std::map<std::string, engine::Shape> shapes;
  for (const auto& [name, tensor] : state) shapes.emplace(name, tensor.shape());
  const VitConfig made = models::config_from_shapes(shapes, read.facts);
  training::check_sizes(read, made);
  const VitConfig a = compared(c), b = compared(made);
  if (a == b) return {};
  std::vector<std::string> differing;
  const auto add = [&](const std::string& what, const std::string& ours, const std::string& theirs) {
    if (ours != theirs) differing.push_back(engine::say(what, ours + ", not", theirs));
  };
  for (const auto& [name, word] : models::parts_in_tensors()) add(name, word(a), word(b));
  add("the eps of the norms", engine::shortest(a.norm_eps), engine::shortest(b.norm_eps));
  add("the pooling", std::string(models::word_of(a.pooling)), std::string(models::word_of(b.pooling)));
  add("the activation", std::string(models::word_of(a.activation)),
      std::string(models::word_of(b.activation)));
  add("heads", std::to_string(a.heads), std::to_string(b.heads));
  add("heads of the pooling", std::to_string(a.pool_heads), std::to_string(b.pool_heads));
  add("rotary positions", training::rope_json(a.rope), training::rope_json(b.rope));
  add("a norm behind the pooling", a.fc_norm ? "yes" : "no", b.fc_norm ? "yes" : "no");
  add("image size", engine::say(data::ImageSize{a.image_height, a.image_width}),
      engine::say(data::ImageSize{b.image_height, b.image_width}));
  return differing.empty() ? "other parts" : engine::join(differing, "; ");
}

data::ImageSize resized_size(const Preprocessing& how) {
  if (!data::cuts_out(how.mode)) return how.size;
  const auto side = [](engine::Index size, double share) {
    return static_cast<engine::Index>(std::floor(static_cast<double>(size) / share));
  };
  return {side(how.size.height, how.crop_pct.height), side(how.size.width, how.crop_pct.width)};
}

std::string difference_of_preprocessing(const Preprocessing& read, const Preprocessing& how) {
  std::vector<std::string> differing;
  const auto add = [&](const char* what, const auto& ours, const auto& theirs) {
    if (engine::say(ours) != engine::say(theirs)) differing.push_back(engine::say(what, ours, "not", theirs));
  };
  add("size", how.size, read.size);
  add("resize", data::name_of(how.mode), data::name_of(read.mode));
  add("interpolation", data::name_of(how.filter), data::name_of(read.filter));
  if (read.mean != how.mean) differing.emplace_back("mean");
  if (read.std != how.std) differing.emplace_back("std");
  if (data::cuts_out(how.mode) && read.mode == how.mode) {
    add("the size before the cut", resized_size(how), resized_size(read));
    if (start_shows(how)) add("crop_start", data::name_of(how.crop_start), data::name_of(read.crop_start));
  }
  return engine::join(differing, "; ");
}

double plain(float value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  double wide = 0;
  std::from_chars(text.data(), end, wide);
  return wide;
}

}  // namespace exports
