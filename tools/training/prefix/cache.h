#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tools/training/prefix/activations.h"
#include "tools/training/prefix/files.h"
#include "tools/training/prefix/options.h"
#include "tools/training/prefix/rows.h"
#include "tools/training/run.h"

namespace training {

/// Computes once what lies below everything that trains, and keeps it: activations of all images of a split,
/// where these are the same in every pass. The bits of a run are the same with and without.
class PrefixCache {
 public:
  /// The run must outlive it. `needed` are the bytes of memory that the run will still take otherwise.
  PrefixCache(Run& run, const TrainConfig& config, PrefixCacheOptions options, std::uint64_t needed = 0,
              const Events& events = {});

  /// For a model that trains, or is scored by, what it does now, and that has done so many steps: the splits
  /// that are worth it, from files or computed. What an earlier call has found is used as long as it is below
  /// all that trains.
  const KnownActivations& known(Index steps_done = 0);
  /// The activations of the images of scoring; nothing where it must see the images themselves.
  const Activations* scored_on();
  /// What was kept of how many images, for result.json; null where nothing was.
  nlohmann::ordered_json json() const;
  /// Removes the files that were for this run alone.
  void remove_spare() const;

 private:
  double passes_over(const std::string& split) const;
  bool is_worth_it(const std::string& split) const;
  std::shared_ptr<Activations> activations_of(const std::string& split, Index variants);
  std::shared_ptr<Activations> kept(const PrefixSplit& split, std::filesystem::path folder, bool in_memory);
  PrefixFile file_of(const PrefixSplit& split, const PrefixPiece& piece,
                     const std::filesystem::path& folder) const;
  std::uint64_t bytes_of_others(const PrefixSplit& split, const std::filesystem::path& folder) const;
  std::string name_of(const PrefixSplit& split, const PrefixPiece& piece) const;

  Run& run_;
  const TrainConfig& config_;
  PrefixCacheOptions options_;
  std::uint64_t needed_;
  const Events& events_;
  Index steps_done_ = 0;
  Index cut_ = 0;  ///< of what is known; 0: nothing is
  KnownActivations known_;
  std::uint64_t in_memory_ = 0, in_files_ = 0;
  Index images_ = 0, computed_ = 0;
};

}  // namespace training
