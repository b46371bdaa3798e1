#include "tools/training/prefix/cache.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "engine/base/phase.h"
#include "engine/base/text.h"
#include "engine/io/folder.h"
#include "tools/training/data_source.h"
#include "tools/training/free_memory.h"
#include "tools/training/json_text.h"
#include "tools/training/prefix/cut.h"
#include "tools/training/prefix/files.h"

namespace training {

namespace fs = std::filesystem;
using engine::Tensor;

namespace {

/// The nearest folder at or above `path` that is there.
fs::path existing(fs::path path) {
  path = fs::absolute(path);
  while (!fs::exists(path) && path.has_relative_path()) path = path.parent_path();
  return path;
}

}  // namespace

PrefixCache::PrefixCache(Run& run, const TrainConfig& config, PrefixCacheOptions options,
                         std::uint64_t needed, const Events& events)
    : run_(run), config_(config), options_(std::move(options)), needed_(needed), events_(events) {
  const peft::MethodTraits traits = run.method->traits();
  if (!traits.selection_is_fixed || traits.all_train_later) options_.off = true;
}

/// How often a run without the cache would still look at every image of a split, in every variant.
double PrefixCache::passes_over(const std::string& split) const {
  const EpochSteps steps = config_.epoch_steps(run_.images->size());
  const double epochs = static_cast<double>(config_.total_steps(steps.count()) - steps_done_) /
                        static_cast<double>(steps.count());
  if (split == "val") return std::floor(epochs / static_cast<double>(config_.eval_every)) + 1;
  if (split == "test") return 1;
  return epochs / static_cast<double>(std::max<Index>(1, config_.augment_copies));
}

/// One pass costs as much as computing what is kept, unless other runs take it.
bool PrefixCache::is_worth_it(const std::string& split) const {
  const double passes = passes_over(split);
  return options_.folder.empty() ? passes >= 2 : passes > 0;
}

const KnownActivations& PrefixCache::known(Index steps_done) {
  if (options_.off) return known_;
  steps_done_ = steps_done;
  const Index cut = highest_cut(run_.loaded.model);
  if (cut_ > 0 && cut_ <= cut) return known_;
  known_ = {}, cut_ = cut;
  in_memory_ = in_files_ = 0, images_ = computed_ = 0;
  if (cut == 0) return known_;
  const Index variants = config_.augment_copies;
  if (config_.image_is_fixed() && is_worth_it("train")) {
    if (variants > 0 || config_.on == "train") {
      known_.trained_on = activations_of(config_.on, variants);
    } else {
      const auto train = activations_of("train", 0), val = train ? activations_of("val", 0) : nullptr;
      if (val) train->add(*val);
      if (val) known_.trained_on = train;
    }
  }
  if (run_.splits.val && config_.on == "train" && is_worth_it("val")) known_.val = activations_of("val", 0);
  if (run_.splits.test && !config_.no_test && is_worth_it("test")) known_.test = activations_of("test", 0);
  if (images_ > 0) {
    events_.on_note(
        engine::say("prefix cache:", words_below(cut, run_.loaded.model.config().depth), "computed once for",
                    images_, "images,",
                    engine::human_bytes(static_cast<double>(in_memory_ > 0 ? in_memory_ : in_files_)) +
                        (in_memory_ > 0 ? " in memory" : " in files")));
  }
  return known_;
}

const Activations* PrefixCache::scored_on() {
  const peft::Scoring& scoring = *run_.method->scoring();
  const bool contrast = scoring.loss == peft::Scoring::Loss::supcon;
  const bool as_trained = contrast ? !scoring.augment && config_.augment == "none" : true;
  const bool in_order = config_.no_score_shuffle && !config_.no_shuffle && !config_.data.train_list.empty();
  const bool same = as_trained && !in_order && scoring.classes == 0 && scoring.image_size == 0;
  return same && config_.image_is_fixed() ? known().trained_on.get() : nullptr;
}

/// Bytes of the files in a folder that a split does not replace.
std::uint64_t PrefixCache::bytes_of_others(const PrefixSplit& split, const fs::path& folder) const {
  std::uint64_t bytes = 0;
  if (!fs::exists(folder)) return bytes;
  std::set<std::string> own;
  for (const PrefixPiece& piece : pieces_of(split)) own.insert(name_of(split, piece));
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if ((!is_prefix_file(name) && begun_prefix_file(name).empty()) || own.contains(name)) continue;
    std::error_code gone;  // by another process
    const std::uintmax_t size = entry.file_size(gone);
    if (!gone) bytes += size;
  }
  return bytes;
}

std::string PrefixCache::name_of(const PrefixSplit& split, const PrefixPiece& piece) const {
  const std::string seed = split.variants > 0 ? "-seed" + std::to_string(config_.model.seed) : "";
  return prefix_file_name(split.name + seed, cut_, run_.loaded.model.config().depth, piece.number);
}

PrefixFile PrefixCache::file_of(const PrefixSplit& split, const PrefixPiece& piece,
                                const fs::path& folder) const {
  std::vector<Index> places(static_cast<std::size_t>(piece.count));
  std::iota(places.begin(), places.end(), piece.first);
  PrefixFile file{
      .path = folder / name_of(split, piece), .images = data::some_of(split.images, places), .cut = cut_};
  if (split.variants > 0)
    file.variant = json_text({{"augment", config_.augment},
                              {"seed", config_.model.seed},
                              {"variant", piece.variant},
                              {"first", piece.first}});
  return file;
}

std::shared_ptr<Activations> PrefixCache::activations_of(const std::string& name, Index variants) {
  const engine::PhaseTimer timer(engine::Phase::prefix);
  const models::Vit& model = run_.loaded.model;
  const PrefixSplit split{name, find_split(run_.splits, name), variants, model.shape_below(cut_)};
  const std::uint64_t bytes = split.bytes(), free = training::free_memory();
  constexpr std::uint64_t kNoBound = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t most = options_.most.value_or(kNoBound);
  const auto too_large = [&](const std::string& where, const std::string& instead) {
    events_.on_note(engine::say("note: the activations of", split.rows(), "images of", name,
                                "(" + engine::human_bytes(static_cast<double>(bytes)) + ") are more than",
                                where, "has room for, and", instead));
  };
  // The bound is of memory and files together.
  const std::uint64_t held = in_memory_ + (options_.folder.empty() ? in_files_ : 0);
  bool in_memory = in_memory_ + bytes <= (free > needed_ ? (free - needed_) / 2 : 0) && held + bytes <= most;
  fs::path folder = options_.folder;
  if (folder.empty() && !in_memory) folder = options_.spare;
  if (!folder.empty()) {
    remove_abandoned_prefixes(folder);
    // Beside the rows a file has a header, and 56 bytes of every image.
    const std::uint64_t others = bytes_of_others(split, folder),
                        files = bytes + static_cast<std::uint64_t>(64 * split.rows() +
                                                                   8192 * std::ssize(pieces_of(split)));
    const bool fits = options_.most ? in_memory_ + others + files <= most
                                    : files <= fs::space(existing(folder)).available / 2;
    if (fits && in_memory && options_.most) in_memory = in_memory_ + bytes + others + files <= most;
    if (!fits) {
      too_large(options_.most ? "--prefix-cache" : folder.string(),
                in_memory ? "kept in memory alone" : "not kept");
      folder.clear();
    }
  } else if (!in_memory) {
    too_large(held + bytes > most ? "--prefix-cache" : "the memory", "not kept");
  }
  if (folder.empty() && !in_memory) return nullptr;
  auto all = kept(split, folder, in_memory);
  if (all && in_memory) in_memory_ += bytes;
  if (all) images_ += split.rows();
  return all;
}

std::shared_ptr<Activations> PrefixCache::kept(const PrefixSplit& split, fs::path folder, bool in_memory) {
  auto all = std::make_shared<Activations>(cut_, split.row, split.images->size());
  PrefixRows rows(run_, config_, cut_, split, events_);
  std::vector<fs::path> files;
  std::uint64_t bytes = 0;
  for (const PrefixPiece& piece : pieces_of(split)) {
    const PrefixFile file = file_of(split, piece, folder);
    auto stored = folder.empty() ? nullptr : open_prefix(file, run_, events_);
    Tensor computed;
    try {
      if (!stored) computed = rows.of(piece);
    } catch (const engine::Error& e) {  // of an image that the run may never look at
      events_.on_note(std::string("note: ") + e.what() + "; the activations of " + split.name +
                      " are not kept");
      return nullptr;
    }
    if (!stored && !folder.empty()) {
      try {
        write_prefix(file, computed, run_);
        files.push_back(file.path);
        if (!in_memory) stored = open_prefix(file, run_, events_);
      } catch (const engine::Error& e) {
        folder.clear();
        events_.on_note(std::string("note: ") + e.what() + "; the activations of " + split.name + " are " +
                        (in_memory ? "kept in memory alone" : "not kept"));
      }
    }
    if (!folder.empty()) bytes += fs::file_size(file.path);
    if (in_memory) {
      all->add(computed.defined() ? computed : stored->read(kActivations));
    } else if (stored) {
      all->add(stored, kActivations);
    } else {
      for (const fs::path& path : files) engine::remove_file(path);
      return nullptr;
    }
  }
  computed_ += rows.computed();
  in_files_ += bytes;
  return all;
}

nlohmann::ordered_json PrefixCache::json() const {
  if (images_ == 0) return nullptr;
  return {{"below", words_below(cut_, run_.loaded.model.config().depth)},
          {"images", images_},
          {"computed", computed_},
          {"memory_bytes", in_memory_},
          {"file_bytes", in_files_},
          {"shared", !options_.folder.empty()}};
}

void PrefixCache::remove_spare() const {
  if (!options_.spare.empty()) remove_prefixes(options_.spare);
}

}  // namespace training
