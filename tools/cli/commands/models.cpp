#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "models/checkpoints.h"
#include "models/families.h"
#include "models/parts.h"
#include "models/zoo.h"
#include "tools/cli/command_line.h"
#include "tools/cli/commands/commands.h"
#include "tools/cli/console.h"
#include "tools/cli/model_options.h"
#include "tools/cli/option_help.h"
#include "tools/training/usage_error.h"

namespace cli {

using models::Architecture;
using models::Family;
using models::PublishedCheckpoint;
using nlohmann::ordered_json;

namespace {

using Architectures = std::vector<const Architecture*>;

/// What the models of a family have otherwise than a plain ViT: all of them, and only some.
struct FamilyFeatures {
  std::vector<std::string> of_all, of_some;
};
/// Of those that can be made.
FamilyFeatures features_of(const Architectures& architectures) {
  std::vector<std::string> names;  // in the order in which they are first seen
  std::map<std::string, int> models_with;
  int models = 0;
  for (const Architecture* a : architectures) {
    if (*a->beyond) continue;
    ++models;
    for (const std::string& feature : models::features(a->config))
      if (++models_with[feature] == 1) names.push_back(feature);
  }
  FamilyFeatures features;
  for (const std::string& name : names)
    (models_with.at(name) == models ? features.of_all : features.of_some).push_back(name);
  return features;
}

std::size_t checkpoints_in(const Architectures& architectures) {
  std::size_t count = 0;
  for (const Architecture* a : architectures) count += models::checkpoints_of(a->name).size();
  return count;
}

std::string padded(std::string text, std::size_t width) {
  return text + std::string(width > text.size() ? width - text.size() : 1, ' ');
}

std::string text_of(const FamilyFeatures& features) {
  std::string text = engine::join(features.of_all, "; ");
  if (!features.of_some.empty())
    text += (text.empty() ? "some: " : "; some: ") + engine::join(features.of_some, "; ");
  return text.empty() ? "as the ViT of 2020" : text;
}

/// A list of families: how many architectures and checkpoints are known, then what is special about them.
void print_families(const std::vector<const Family*>& families) {
  constexpr std::size_t kName = 24;
  std::cout << padded("family", kName) << "architectures  checkpoints\n";
  for (const Family* family : families) {
    const Architectures all = models::architectures_of(*family);
    const auto refused = std::ranges::count_if(all, [](const Architecture* a) { return *a->beyond; });
    std::cout << padded(family->name, kName) << padded(std::to_string(all.size()), 15) << checkpoints_in(all);
    if (refused > 0) std::cout << "  (not implemented: " << refused << " of " << all.size() << ')';
    std::cout << '\n';
    if (refused < std::ssize(all))
      std::cout << "    " << wrapped(text_of(features_of(all)), text_width(), 4) << '\n';
  }
}

std::string size_of(Index height, Index width) {
  return std::to_string(height) + (height == width ? "" : "x" + std::to_string(width));
}

void print_architectures(const Architectures& architectures) {
  constexpr std::size_t kName = 42, kNumber = 7, kImage = 10;
  std::cout << padded("architecture", kName) << padded("width", kNumber) << padded("depth", kNumber)
            << padded("heads", kNumber) << padded("patch", kNumber) << padded("image", kImage)
            << "parameters\n";
  for (const Architecture* a : architectures) {
    const models::VitConfig& c = a->config;
    std::cout << padded(a->name, kName) << padded(std::to_string(c.width), kNumber)
              << padded(std::to_string(c.depth), kNumber) << padded(std::to_string(c.heads), kNumber)
              << padded(std::to_string(c.patch), kNumber)
              << padded(size_of(c.image_height, c.image_width), kImage) << engine::human_count(a->parameters)
              << '\n';
    if (*a->beyond) std::cout << "    not implemented: " << a->beyond << '\n';
  }
}

std::string three(const std::array<double, 3>& values) {
  std::vector<std::string> words;
  for (const double value : values) words.push_back(engine::shortest(value));
  return engine::join(words, ",");
}

std::string license_of(const PublishedCheckpoint& checkpoint) {
  return *checkpoint.license ? checkpoint.license : "not known";
}

/// The page of one architecture, with all its checkpoints or only `checkpoint`.
void print_page(const Architecture& a, const std::vector<const PublishedCheckpoint*>& checkpoints) {
  const models::VitConfig& c = a.config;
  const Family* const family = models::family_of(a.name);
  std::cout << a.name << " (" << family->name << "): " << engine::human_count(a.parameters) << " parameters\n"
            << "  width " << c.width << ", depth " << c.depth << ", heads " << c.heads << ", MLP " << c.hidden
            << ", patch " << c.patch << ", image " << size_of(c.image_height, c.image_width) << '\n';
  if (*a.beyond) std::cout << "  not implemented: " << a.beyond << '\n';
  const std::vector<std::string> features = models::features(c);
  std::cout << "  "
            << wrapped(
                   "features: " + (features.empty() ? "as the ViT of 2020" : engine::join(features, "; ")),
                   text_width(), 4)
            << '\n';
  for (const PublishedCheckpoint* p : checkpoints) {
    std::cout << p->tag << '\n'
              << "  " << (p->classes == 0 ? "no head" : std::to_string(p->classes) + " classes")
              << ", license " << license_of(*p) << '\n'
              << "  " << (*p->hub_id ? "https://huggingface.co/" + std::string(p->hub_id) : "not on the hub")
              << '\n'
              << "  image " << size_of(p->image_height, p->image_width) << ", crop_pct "
              << engine::shortest(p->crop_pct) << ' ' << p->crop_mode << ", " << p->interpolation << ", mean "
              << three(p->mean) << ", std " << three(p->std) << '\n';
  }
}

ordered_json as_json(const PublishedCheckpoint& p) {
  return {{"tag", p.tag},
          {"classes", p.classes},
          {"image", {p.image_height, p.image_width}},
          {"mean", p.mean},
          {"std", p.std},
          {"crop_pct", p.crop_pct},
          {"crop_mode", p.crop_mode},
          {"interpolation", p.interpolation},
          {"hub_id", p.hub_id},
          {"license", p.license}};
}

ordered_json as_json(const Architecture& a, const std::vector<const PublishedCheckpoint*>& checkpoints) {
  const models::VitConfig& c = a.config;
  ordered_json published = ordered_json::array();
  for (const PublishedCheckpoint* checkpoint : checkpoints) published.push_back(as_json(*checkpoint));
  return {{"name", a.name},
          {"family", models::family_of(a.name)->name},
          {"not_implemented", a.beyond},
          {"parameters", a.parameters},
          {"width", c.width},
          {"depth", c.depth},
          {"heads", c.heads},
          {"hidden", c.hidden},
          {"patch", c.patch},
          {"image", {c.image_height, c.image_width}},
          {"features", models::features(c)},
          {"checkpoints", published}};
}

ordered_json as_json(const Family& family) {
  const Architectures all = models::architectures_of(family);
  const FamilyFeatures features = features_of(all);
  ordered_json names = ordered_json::array();
  for (const Architecture* a : all) names.push_back(a->name);
  return {{"name", family.name},
          {"architectures", names},
          {"checkpoints", checkpoints_in(all)},
          {"features", features.of_all},
          {"features_of_some", features.of_some}};
}

/// What words ask for: an architecture, a checkpoint's tag, a family, or a glob of architectures.
struct Asked {
  Architectures architectures;
  const PublishedCheckpoint* only = nullptr;  ///< of all checkpoints, where its tag was given
  bool pages = false;                         ///< a name was spelt out
};

Asked find(const std::string& word) {
  if (const Architecture* a = models::find_architecture(word)) return {{a}, nullptr, true};
  if (const PublishedCheckpoint* p = models::find_checkpoint(word))
    return {{models::find_architecture(models::architecture_of(word))}, p, true};
  std::vector<std::string> names;
  for (const Family& family : models::families()) {
    if (word == family.name) return {models::architectures_of(family)};
    names.emplace_back(family.name);
  }
  Asked found;
  for (const Architecture& a : models::known_architectures()) {
    if (engine::glob_match(word, a.name)) found.architectures.push_back(&a);
    names.emplace_back(a.name);
  }
  if (found.architectures.empty())
    throw training::UsageError("models: no architecture, checkpoint or family is called '" + word + "'" +
                               engine::did_you_mean(word, names));
  return found;
}

std::vector<const PublishedCheckpoint*> checkpoints(const Architecture& a, const Asked& asked) {
  return asked.only ? std::vector{asked.only} : models::checkpoints_of(a.name);
}

}  // namespace

void run_models(Arguments arguments) {
  std::vector<std::string> names;
  Index threads = 0;
  bool json = false;
  CommandLine line(
      "models",
      "Lists the families of models that are known; with names, shows architectures and where checkpoints "
      "of them are published. Names are timm's.",
      "espalier models 'vit_small_*_dinov2'");
  line.table.words("NAME", names, "architecture, checkpoint, family, or glob of architectures");
  line.table.flag("json", json, "print JSON").this_call();
  declare_ignored_threads(line.table, threads);
  if (!line.parse(arguments)) return;

  std::vector<Asked> asked;
  for (const std::string& name : names) asked.push_back(find(name));
  std::vector<const Family*> families;
  for (const Family& family : models::families()) {
    const auto in_family = [&](const Architecture* a) { return models::family_of(a->name) == &family; };
    if (names.empty() || std::ranges::any_of(asked, [&](const Asked& one) {
          return std::ranges::any_of(one.architectures, in_family);
        }))
      families.push_back(&family);
  }
  if (json) {
    ordered_json all{{"families", ordered_json::array()}, {"architectures", ordered_json::array()}};
    for (const Family* family : families) all["families"].push_back(as_json(*family));
    if (names.empty()) asked.push_back(find("*"));
    for (const Asked& one : asked)
      for (const Architecture* a : one.architectures)
        all["architectures"].push_back(as_json(*a, checkpoints(*a, one)));
    return print_json(all);
  }
  if (names.empty()) {
    print_families(families);
    std::cout << "\nespalier models NAME shows a family, an architecture or a checkpoint.\n";
  }
  for (const Asked& one : asked) {
    if (!one.pages) {
      print_architectures(one.architectures);
      continue;
    }
    for (const Architecture* a : one.architectures) print_page(*a, checkpoints(*a, one));
  }
}

}  // namespace cli
