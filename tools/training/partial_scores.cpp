#include "tools/training/partial_scores.h"

#include <map>

#include "engine/base/text.h"
#include "tools/training/sealed_file.h"
#include "tools/training/usage_error.h"

namespace training {

namespace {

constexpr const char *kFormat = "espalier-scores", *kGradient = "gradient.", *kVersion = "1";

}  // namespace

void save_partial_scores(const std::filesystem::path& path, const std::string& config, Index batches,
                         const std::vector<engine::NamedParameter>& parameters) {
  engine::NamedTensors all;
  for (const auto& [name, parameter] : parameters) {
    if (parameter.grad().defined()) all.emplace_back(kGradient + name, parameter.grad());
  }
  write_sealed(
      path, all,
      {{"format", kFormat}, {"version", kVersion}, {"batches", std::to_string(batches)}, {"config", config}});
}

std::optional<PartialScores> read_partial_scores(const std::filesystem::path& path,
                                                 const RunIdentity& identity, const Events& events) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  try {
    const SealedFile file(path, kFormat);
    engine::check(file.stored("version") == kVersion, path.string() + ": is not a file of scores of version",
                  kVersion);
    identity.check(path.string(), file.stored("config"));
    const Index batches = engine::parse_integer(file.stored("batches"), path.string() + ": batches");
    engine::check(batches > 0, path.string() + ": batches should be above 0, not", batches);
    return PartialScores{batches, file.tensors_with(kGradient)};
  } catch (const UsageError&) {
    throw;
  } catch (const engine::Error& e) {
    events.on_note(std::string("note: passed over ") + e.what());
    return std::nullopt;
  }
}

void restore_partial_scores(const PartialScores& scores,
                            const std::vector<engine::NamedParameter>& parameters) {
  std::map<std::string, engine::Tensor> sums(scores.gradients.begin(), scores.gradients.end());
  for (const auto& [name, parameter] : parameters) {
    if (!parameter.accumulates()) continue;
    const auto found = sums.find(name);
    engine::check(found != sums.end() && found->second.shape() == parameter.grad_shape() &&
                      found->second.dtype() == parameter.value().dtype(),
                  "the scores that were saved do not fit", name);
    parameter.grad() = found->second;
  }
}

}  // namespace training
