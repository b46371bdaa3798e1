#include "models/dialects/translator.h"

#include <algorithm>
#include <cctype>
#include <sstream>

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"

namespace models {

using engine::NamedTensors;

namespace {

/// The first whose sign is there counts.
constexpr const Dialect* kDialects[] = {
    &kTimm,     &kHuggingFaceVit, &kHuggingFaceDinov3, &kHuggingFaceClip, &kHuggingFaceSiglip,
    &kOpenClip, &kTorchvision};

/// Parts that stand beside a classifier in the files of some trainings, or copies of it. A word stands
/// between dots anywhere in a name; those with a * at their end are only its beginning.
constexpr std::string_view kExtras[] = {"decoder*",
                                        "mask_token",
                                        "predictor",
                                        "teacher",
                                        "ema",
                                        "*_ema",
                                        "ema_model",
                                        "momentum_encoder",
                                        "target_encoder",
                                        "text_model",
                                        "text_projection",
                                        "visual_projection",
                                        "logit_scale",
                                        "logit_bias",
                                        "n_averaged",
                                        "position_ids",
                                        "relative_position_index"};

/// What OpenAI's CLIP and OpenCLIP have before the tower of images. Beside it is the tower of texts, whose
/// names may end as those of images do.
constexpr std::string_view kImageTower = "visual.";

/// The beginnings of what may be a classifier's name.
constexpr std::string_view kHeads[] = {"head.",
                                       "heads.",
                                       "classifier.",
                                       "fc.",
                                       "head_dist.",
                                       "cls_classifier.",
                                       "distillation_classifier.",
                                       "last_linear.",
                                       "linear_head."};

/// The part of `name` up to the word of kExtras in it; nothing when it has none.
std::optional<std::string> extra_part(const std::string& name) {
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    const std::string word = name.substr(begin, end - begin);
    for (const std::string_view extra : kExtras) {
      if (word.size() < 80 && engine::glob_match(extra, word)) return name.substr(0, end);
    }
    begin = end + 1;
  }
  return std::nullopt;
}

/// The prefix without its last word: "module.vit." gives "module.".
std::string parent_of(const std::string& prefix) {
  const std::size_t dot = prefix.size() < 2 ? std::string::npos : prefix.rfind('.', prefix.size() - 2);
  return dot == std::string::npos ? std::string() : prefix.substr(0, dot + 1);
}

bool stands_in(const std::string& prefix, std::string_view word) {
  const std::size_t at = prefix.find(word);
  return at != std::string::npos && (at == 0 || prefix[at - 1] == '.');
}

std::optional<Layout> find_layout(const NamedTensors& state, bool anywhere) {
  std::set<std::string_view> names;
  for (const auto& [name, tensor] : state) names.insert(name);
  std::optional<Layout> found;
  std::string where;
  for (const auto& [name, tensor] : state) {
    for (const Dialect* const dialect : kDialects) {
      const std::string sign = dialect->sign, beside = dialect->beside;
      if (!name.ends_with(sign) || (!anywhere && extra_part(name))) continue;
      const std::string prefix = name.substr(0, name.size() - sign.size());
      if (!prefix.empty() && prefix.back() != '.') continue;
      if (!beside.empty() && !names.contains(prefix + beside)) continue;
      engine::check(!found, "two models are in the file:", engine::in_quotes(where), "and",
                    engine::in_quotes(name), "are both the patch embedding");
      found = Layout{dialect, prefix};
      where = name;
      break;
    }
  }
  return found;
}

/// What # and * of a rule stand for in a name.
struct Match {
  std::string block, rest;
};

std::optional<Match> match_rule(std::string_view name, std::string_view rule,
                                std::span<const char* const> blocks) {
  Match match;
  if (rule.starts_with('#')) {
    const auto before = std::ranges::find_if(blocks, [&](std::string_view b) { return name.starts_with(b); });
    if (before == blocks.end()) return std::nullopt;
    name.remove_prefix(std::string_view(*before).size());
    const std::size_t digits = std::min(name.find('.'), name.size());
    match.block = name.substr(0, digits);
    if (!std::ranges::all_of(match.block, [](unsigned char c) { return std::isdigit(c) != 0; }) ||
        match.block.empty())
      return std::nullopt;
    name.remove_prefix(digits);
    rule.remove_prefix(1);
  }
  if (!rule.ends_with('*')) return name == rule ? std::optional(match) : std::nullopt;
  rule.remove_suffix(1);
  if (!name.starts_with(rule)) return std::nullopt;
  match.rest = name.substr(rule.size());
  return match;
}

std::string timm_name(std::string_view rule, const Match& match) {
  std::string name(rule);
  if (name.ends_with('*')) name.replace(name.size() - 1, 1, match.rest);
  if (rule.starts_with('#')) name.replace(0, 1, "blocks." + match.block);
  return name;
}

}  // namespace

std::string Layout::bare(const std::string& name) const {
  for (std::string before = prefix; !before.empty(); before = parent_of(before))
    if (name.starts_with(before)) return name.substr(before.size());
  return name;
}

std::string Layout::before_head() const {
  for (const std::string tower : dialect->towers)
    if (prefix.ends_with(tower)) return prefix.substr(0, prefix.size() - tower.size());
  return prefix;
}

std::optional<Layout> find_layout(const NamedTensors& state) {
  const auto found = find_layout(state, false);
  return found ? found : find_layout(state, true);
}

std::optional<std::string> part_beside(const Layout& layout, const std::string& name) {
  const std::string prefix = layout.before_head();
  if (stands_in(prefix, kImageTower) && !name.starts_with(prefix)) {
    std::size_t begin = 0;  // of the first word that is not the prefix's
    for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1))
      if (prefix.starts_with(name.substr(0, dot + 1))) begin = dot + 1;
    return name.substr(0, name.find('.', begin));
  }
  return extra_part(layout.bare(name));
}

bool like_head(const std::string& bare) {
  return std::ranges::any_of(kHeads, [&](std::string_view head) { return bare.starts_with(head); });
}

Translator::Translator(const Layout& layout, const NamedTensors& state) : layout_(layout) {
  std::set<std::string> names;
  for (const auto& [name, tensor] : state) names.insert(layout.bare(name));
  for (const Rule& rule : layout.dialect->rules) {
    std::istringstream words(rule.condition);
    bool holds = *rule.condition == '\0';
    for (std::string word; words >> word;) holds = holds || names.contains(word);
    if (holds) rules_.push_back(&rule);
  }
  for (const auto& [name, tensor] : state) {
    if (part_beside(layout, name)) continue;
    std::string block;
    match(layout.bare(name), &block);
    if (!block.empty()) blocks_.insert(block);
  }
}

std::vector<Place> Translator::match(const std::string& bare, std::string* block) const {
  std::vector<Place> places;
  for (const Rule* const rule : rules_) {
    auto found = match_rule(bare, rule->name, layout_.dialect->blocks);
    if (!found) continue;
    if (block) *block = found->block;
    if (rule->fit != Fit::in_every_block) {
      places.push_back({timm_name(rule->timm, *found), rule->fit});
    } else {
      for (const std::string& each : blocks_)
        places.push_back({timm_name(rule->timm, {.block = each, .rest = found->rest}), rule->fit});
    }
    if (rule->fit != Fit::packed_query) break;
  }
  return places;
}

std::vector<Place> Translator::operator()(const std::string& name) const {
  return match(layout_.bare(name), nullptr);
}

}  // namespace models
