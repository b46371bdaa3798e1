#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/augment.h"
#include "data/batch.h"
#include "data/dataset.h"
#include "data/transforms.h"

namespace data {

class Ahead;

struct LoaderOptions {
  Preprocessing preprocessing;
  Index batch_size = 32;
  bool drop_last = false;  ///< leaves out a last batch that does not fill
  bool shuffle = false;    ///< another order each epoch; otherwise that of the data set
  std::uint64_t seed = 0;
  std::string augmentation = "none";  ///< a name of augmentations()
  Index variants = 0;                 ///< of each image, one an epoch in turn; 0: another one every epoch
  Index views = 1;                    ///< how often each image is in its batch, varied each time
  double mixup = 0, cutmix = 0;       ///< alphas; 0 is off. Need `classes` and a single view
  Index classes = 0;                  ///< how many, for mixed targets
  bool images = true;  ///< false: no image is read, and batches have labels, names and samples alone
  int workers = 0;     ///< threads that decode ahead; 0 decodes when asked
};

/// Makes batches from a data set. Every batch is a pure function of (seed, epoch, index): the same bits for
/// any number of workers, in any order, after any interruption.
class Loader {
 public:
  /// Throws an Error when an option makes no sense, or when drop_last leaves no batch at all.
  Loader(std::shared_ptr<const Dataset> dataset, LoaderOptions options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// Batches in an epoch.
  Index batches() const;
  /// One batch, made by the calling thread. Throws the Error of the first image that cannot be read.
  Batch batch(Index epoch, Index index) const;
  /// The data set's positions in the order of this epoch.
  std::vector<Index> order(Index epoch) const;

  /// Begins an epoch for next(), at batch `first`; drops what the last start() left over.
  void start(Index epoch, Index first = 0);
  /// The next batch of the epoch, nothing at its end: batch(epoch, index), made ahead by the workers. An
  /// Error comes with the batch it belongs to; the epoch goes on after it.
  std::optional<Batch> next();

 private:
  Index variant(Index epoch) const;
  Batch open(const std::vector<Index>& order, Index epoch, Index index) const;
  void fill(Batch& batch, Index epoch, Index sample, Index slot) const;
  void finish(Batch& batch, Index epoch, Index index) const;

  std::shared_ptr<const Dataset> dataset_;
  LoaderOptions options_;
  const Augmentation* augmentation_;
  Index epoch_ = 0, next_ = 0;    // for next() without workers
  std::unique_ptr<Ahead> ahead_;  // last: its threads use all of the above
};

}  // namespace data
