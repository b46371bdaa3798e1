#include "tools/training/pretrained/config_values.h"

#include <algorithm>
#include <cmath>

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"
#include "models/words.h"

namespace training {

using engine::Index;
using engine::Json;

std::optional<data::ImageSize> image_size_in(const Json& object, const std::string& name,
                                             const std::string& shown) {
  if (!object.contains(name) || object.at(name).is_null()) return std::nullopt;
  return per_side_as<Index>(object.at(name), shown);
}

std::optional<Index> square_side(const Json& object, const std::string& name, const std::string& shown) {
  const auto sides = image_size_in(object, name, shown);
  if (!sides) return std::nullopt;
  engine::check(sides->is_single(), shown, "is", engine::say(*sides) + ": only squares are computed");
  return sides->height;
}

std::vector<std::string> class_names(const Json& names, const std::string& shown) {
  if (names.is_array()) return field_as<std::vector<std::string>>(names, shown);
  engine::check(names.is_object(), shown, "should be an object of numbers and names, not", names.type_name());
  std::vector<std::string> list(names.size());
  std::vector<bool> seen(names.size());
  for (const auto& [key, name] : names.items()) {
    const Index at = engine::parse_integer(key, shown);
    engine::check(at >= 0 && at < static_cast<Index>(list.size()), shown, "has", list.size(),
                  "names but a number", at);
    engine::check(!seen[static_cast<std::size_t>(at)], shown, "has the number", at, "twice");
    seen[static_cast<std::size_t>(at)] = true;
    list[static_cast<std::size_t>(at)] = field_as<std::string>(name, shown + "[" + key + "]");
  }
  return list;
}

void check_heads(Index heads, const std::string& where) {
  engine::check(heads > 0, where + "the number of heads should be positive, not", heads);
}

void check_eps(double eps, const std::string& name) {
  engine::check(eps > 0 && std::isfinite(eps), name, "should be above 0, not", eps);
}

engine::Activation activation_of(const std::string& name, const std::string& field) {
  const std::string timm = name == "gelu_pytorch_tanh" ? "gelu_tanh" : name == "swish" ? "silu" : name;
  const auto found = models::activation_named(timm);
  engine::check(found.has_value(), field, "should be gelu, gelu_tanh, quick_gelu or silu, not",
                engine::in_quotes(name) + ": no other activation is computed");
  return *found;
}

std::string no_softmax(const Json& config) {
  const std::string type = field<std::string>(config, "problem_type").value_or("single_label_classification");
  if (type == "single_label_classification") return {};
  return "problem_type is " + engine::in_quotes(type) + ", and a softmax is all that is computed";
}

void note_unknown(const std::vector<std::string>& fields, const std::string& file,
                  std::vector<std::string>& notes) {
  constexpr std::size_t kNamed = 8;
  if (fields.empty()) return;
  std::vector<std::string> named;
  for (std::size_t i = 0; i < std::min(kNamed, fields.size()); ++i)
    named.push_back(engine::in_quotes(fields[i]));
  if (fields.size() > kNamed) named.push_back(engine::say(fields.size() - kNamed, "more"));
  notes.push_back(engine::say(file, "has", fields.size() == 1 ? "a field that is" : "fields that are",
                              "not known and passed over:", engine::join(named, ", ")));
}

void check_stored(const data::Preprocessing& how) {
  for (const double share : {how.crop_pct.height, how.crop_pct.width})
    engine::check(share >= 0.01 && share <= 1, "crop_pct should be 0.01 to 1, not", share);
  data::check_preprocessing(how);
}

void read_three(const Json& json, const char* name, std::array<float, 3>& to) {
  if (const auto values = field<std::vector<float>>(json, name)) to = three_numbers_of(*values, name);
}

}  // namespace training
