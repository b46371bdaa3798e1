#include "tools/experiments/halving.h"

#include <algorithm>

#include "engine/base/div_up.h"
#include "tools/experiments/comparison.h"

namespace experiments {
namespace {

bool is_over(const Contender& c) {
  return c.finished || c.diverged || c.failed;
}

/// What a contender is at a rung.
enum class Standing { awaited, judged, diverged, passes, is_out };

Standing standing_at(Index rung, const Contender& c) {
  if (!is_over(c) && c.paused_after < rung) return Standing::awaited;
  if (c.after.contains(rung)) return Standing::judged;
  return c.diverged ? Standing::diverged : c.failed ? Standing::is_out : Standing::passes;
}

}  // namespace

std::vector<Index> rungs_of(Index epochs) {
  std::vector<Index> rungs;
  for (const Index share : {4, 2}) {
    const Index rung = engine::div_up(epochs, share);
    if (rung < epochs && (rungs.empty() || rungs.back() < rung)) rungs.push_back(rung);
  }
  return rungs;
}

Halving halve(const std::vector<Contender>& contenders, const std::vector<Index>& rungs) {
  Halving halving{std::vector<Index>(contenders.size()), std::nullopt};
  std::vector<std::size_t> going(contenders.size());
  for (std::size_t i = 0; i < going.size(); ++i) going[i] = i;

  for (const Index rung : rungs) {
    std::vector<std::size_t> sound, diverged;
    for (const std::size_t i : going) {
      const Standing standing = standing_at(rung, contenders[i]);
      if (standing == Standing::awaited || standing == Standing::judged) sound.push_back(i);
      if (standing == Standing::diverged) diverged.push_back(i);
    }
    if (sound.size() < 2) continue;
    for (const std::size_t i : sound) {
      if (standing_at(rung, contenders[i]) != Standing::awaited) continue;
      halving.next = {i, rung};
      return halving;
    }
    std::ranges::sort(sound, {}, [&](std::size_t i) {
      const ValResult& result = contenders[i].after.at(rung);
      return search_order(result.top1, result.loss, contenders[i].lr);
    });
    std::vector<std::size_t> judged = sound;
    judged.insert(judged.end(), diverged.begin(), diverged.end());
    for (std::size_t place = engine::div_up<std::size_t>(judged.size(), 2); place < judged.size(); ++place) {
      std::erase(going, judged[place]);
      if (!is_over(contenders[judged[place]])) halving.stopped_after[judged[place]] = rung;
    }
  }

  for (const std::size_t i : going) {
    if (is_over(contenders[i])) continue;
    halving.next = {i, 0};
    return halving;
  }
  return halving;
}

}  // namespace experiments
