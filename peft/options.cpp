#include "peft/options.h"

#include <algorithm>

#include "engine/base/text.h"

namespace peft {

using engine::Index;

OptionValues::OptionValues(std::string method, std::span<const OptionInfo> known,
                           std::map<std::string, std::string> given)
    : method_(std::move(method)) {
  std::vector<std::string> names;
  for (const OptionInfo& option : known) {
    values_[option.name] = option.standard;
    names.push_back(option.name);
  }
  for (const auto& [name, value] : given) {
    engine::check(
        values_.contains(name), "method", method_,
        "has no option --" + name + (names.empty() ? " (it has none)" : engine::did_you_mean(name, names)));
    values_[name] = value;
  }
}

const std::string& OptionValues::text(const std::string& name) const {
  return values_.at(name);
}

bool OptionValues::on(const std::string& name) const {
  const std::string& value = text(name);
  engine::check(value == "on" || value == "off", "--" + name, "takes on or off, not '" + value + "'");
  return value == "on";
}

Index OptionValues::integer(const std::string& name, Index lowest) const {
  const Index value = engine::parse_integer(text(name), "--" + name);
  engine::check(value >= lowest, "--" + name, "takes", lowest, "or more, not", value);
  return value;
}

double OptionValues::number(const std::string& name, bool (*ok)(double), std::string_view range) const {
  const double value = engine::parse_number(text(name), "--" + name);
  engine::check(ok(value), "--" + name, "takes", range, "not", value);
  return value;
}

std::size_t OptionValues::choice(const std::string& name, std::span<const std::string> choices) const {
  const auto found = std::ranges::find(choices, text(name));
  engine::check(found != choices.end(), "--" + name, "takes", engine::join(choices, "|"),
                "not '" + text(name) + "'");
  return static_cast<std::size_t>(found - choices.begin());
}

std::vector<std::string> OptionValues::list(const std::string& name) const {
  return engine::split(text(name), ',');
}

std::vector<OptionInfo> scoring_options(const std::string& loss, const std::string& batches,
                                        const std::string& train_bias) {
  return {{"score", "supcon|ce", loss, "the loss whose gradients are the scores"},
          {"temperature", "X", "0.07", "of the supervised contrastive loss"},
          {"score-batches", "all|N", batches, "batches to score with: one epoch, or the first N"},
          {"score-augment", "none|simclr", "simclr", "how the two views of the contrastive loss are made"},
          {"targets", "GLOB,...", "", "parameters to choose from (every weight matrix but the head's)"},
          {"train-bias", "", train_bias, "train every bias but the norms' too (--no-train-bias: off)"}};
}

SelectingMethod::Options read_scoring(const OptionValues& values) {
  static const std::vector<std::string> kLosses{"supcon", "ce"}, kViews{"none", "simclr"};
  SelectingMethod::Options options;
  options.scoring.loss = values.choice("score", kLosses) == 0 ? Scoring::Loss::supcon : Scoring::Loss::ce;
  options.scoring.temperature = values.number(
      "temperature", [](double x) { return x > 0; }, "a number above 0,");
  options.scoring.batches = values.text("score-batches") == "all" ? 0 : values.integer("score-batches", 1);
  options.scoring.augment = values.choice("score-augment", kViews) == 1;
  options.targets = values.list("targets");
  options.train_bias = values.on("train-bias");
  return options;
}

std::vector<OptionInfo> anchor_options(const std::string& weight) {
  return {{"anchor", "X", weight, "weight of the pull to the pre-trained values"},
          {"anchor-layers", "all|N", "all", "pull all that trains, or the last N blocks"},
          {"anchor-head", "none|init|zero", "none", "pull the head too, to its first values or to zero"}};
}

Anchor::Options read_anchor(const OptionValues& values) {
  static const std::vector<std::string> kHeads{"none", "init", "zero"};
  Anchor::Options options;
  options.weight = values.number(
      "anchor", [](double x) { return x >= 0; }, "a number of 0 or more,");
  if (values.text("anchor-layers") != "all") options.last_blocks = values.integer("anchor-layers", 0);
  options.head = static_cast<Anchor::Head>(values.choice("anchor-head", kHeads));
  return options;
}

}  // namespace peft
