#include "peft/methods.h"

#include "engine/base/text.h"
#include "peft/bitfit.h"
#include "peft/full.h"
#include "peft/gps.h"
#include "peft/grft.h"
#include "peft/linear.h"
#include "peft/sift.h"

namespace peft {
namespace {

template <class M>
std::unique_ptr<Method> make_plain(const OptionValues&) {
  return std::make_unique<M>();
}

std::unique_ptr<Method> make_grft(const OptionValues& values) {
  static const std::vector<std::string> kAxes{"row", "column", "short"};
  Grft::Own own;
  own.k = values.integer("k", 1);
  own.axis = static_cast<Grft::Axis>(values.choice("axis", kAxes));
  own.anchor = read_anchor(values);
  return std::make_unique<Grft>(read_scoring(values), own);
}

std::unique_ptr<Method> make_gps(const OptionValues& values) {
  return std::make_unique<Gps>(read_scoring(values), values.integer("k", 1));
}

std::unique_ptr<Method> make_sift(const OptionValues& values) {
  const double rate = values.number(
      "rate", [](double x) { return x > 0 && x <= 1; }, "a share in (0, 1],");
  return std::make_unique<Sift>(read_scoring(values), rate);
}

/// Several groups of options in one list.
std::vector<OptionInfo> all_of(std::initializer_list<std::vector<OptionInfo>> groups) {
  std::vector<OptionInfo> all;
  for (const auto& group : groups) all.insert(all.end(), group.begin(), group.end());
  return all;
}

/// Of GPS's code for VTAB-1k, with the median of its learning rates (3e-4 to 1e-2). GRFT tells none of its
/// own; it follows the same benchmarks.
std::vector<std::pair<std::string, std::string>> gps_recipe() {
  return {{"augment", "vtab"},    {"resize", "squash"}, {"optimizer", "adam"},
          {"schedule", "cosine"}, {"min-lr", "1e-8"},   {"warmup-epochs", "10"},
          {"lr", "2e-3"},         {"epochs", "100"},    {"batch-size", "32"}};
}

}  // namespace

const std::vector<MethodInfo>& methods() {
  static const std::vector<MethodInfo> table{
      {"full",
       "every number trains",
       "Full fine-tuning. The delta is as large as the model.",
       {},
       make_plain<Full>},
      {"linear",
       "only the head trains",
       "Linear probe: a linear classifier on the frozen features.",
       {},
       make_plain<Linear>},
      {"bitfit",
       "every bias and the head train",
       "BitFit (Ben Zaken et al. 2022, arXiv 2106.10199): all biases, the norms' included, and the head.",
       {},
       make_plain<BitFit>},
      {"grft", "the k strongest rows or columns of every weight matrix, pulled to their pre-trained values",
       "GRFT (arXiv 2507.00016). One pass over the training pictures sums up the gradient G of every weight "
       "matrix. Row i\n"
       "scores sum_j G_ij^2, column j scores sum_i G_ij^2, and the k best train, with\n"
       "anchor * sum (w - w0)^2 added to the loss. The head trains as a whole, all else is frozen.",
       all_of({{{"k", "N", "2", "rows or columns of every matrix"},
                {"axis", "short|row|column", "short",
                 "short: the axis with fewer units; a square matrix takes rows"}},
               anchor_options("0.01"),
               scoring_options("supcon", "all", "off")}),
       make_grft, gps_recipe()},
      {"gps", "the k strongest inputs of every neuron, and the biases",
       "GPS (Zhang et al. 2024, arXiv 2312.10136). One pass over the training pictures sums up the gradient "
       "of every weight\n"
       "matrix; of every row (neuron) the k elements of largest magnitude train, with all biases but the "
       "norms' and the head.",
       all_of({{{"k", "N", "1", "inputs of every neuron"}}, scoring_options("supcon", "all", "on")}),
       make_gps, gps_recipe()},
      {"sift",
       "the strongest share of the elements of every weight matrix",
       "SIFT (Song et al. 2024, arXiv 2312.11875). Of every tensor with n numbers the min(floor(rate n) + 1, "
       "n) of largest\n"
       "gradient in the first batch train, as a sparse increment with a packed optimizer. The head trains as "
       "a whole.",
       all_of({{{"rate", "X", "0.01", "share of every tensor"}}, scoring_options("ce", "1", "off")}),
       make_sift,
       {{"targets", "blocks.*.attn.*.weight"},
        {"rate", "0.008"},
        {"optimizer", "adamw"},
        {"schedule", "linear"},
        {"warmup-epochs", "0.6"},
        {"lr", "7e-5"},
        {"epochs", "10"},
        {"batch-size", "32"}}},
  };
  return table;
}

const MethodInfo& find_method(const std::string& name) {
  std::vector<std::string> names;
  for (const MethodInfo& method : methods()) {
    if (method.name == name) return method;
    names.push_back(method.name);
  }
  throw engine::Error("unknown method '" + name + "'" + engine::did_you_mean(name, names));
}

std::unique_ptr<Method> make_method(const std::string& name,
                                    const std::map<std::string, std::string>& options) {
  const MethodInfo& info = find_method(name);
  return info.make(OptionValues(name, info.options, options));
}

}  // namespace peft
