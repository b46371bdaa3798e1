#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/transforms.h"
#include "engine/nn/roles.h"
#include "engine/optim/optimizer.h"
#include "engine/optim/schedule.h"
#include "tools/training/epoch_steps.h"

namespace training {

using engine::Index;

// What a run is: plain values with defaults, to be set one by one. Errors call a field what the command line
// calls it: `keep` is --keep.

/// Where the model comes from, and how its images are prepared. An empty text leaves a property to the
/// checkpoint.
struct ModelSource {
  std::string model;                             ///< checkpoint: a file, the index of one in shards, a folder
  std::string arch;                              ///< instead: random weights of this architecture
  std::string mean, std, interpolation, resize;  ///< "a,b,c" twice, bilinear or bicubic, squash or crop
  double crop_pct = 0;              ///< share of the short side that is cut out; 0: the checkpoint's
  std::optional<bool> exif_rotate;  ///< turn images upright by their EXIF orientation
  data::ImageSize image_size;       ///< in pixels; 0: the checkpoint's
  Index seed = 0;                   ///< of all random numbers
  Index threads = 0;                ///< 0: see choose_threads(); results do not depend on it

  /// Throws a UsageError when there is no model or there are two, or a value makes no sense.
  void check() const;
  /// `stored` (or the standard way, where files beside the weights store none) with what is set here in its
  /// place, for images of `size`. Throws a UsageError when a value makes no sense or has no
  /// effect.
  data::Preprocessing preprocessing(const std::optional<data::Preprocessing>& stored,
                                    data::ImageSize size) const;
  bool sets_image_size() const { return image_size != data::ImageSize(); }
  /// True when images are not turned by their EXIF orientation, and nobody has said so.
  bool passes_over_orientation(const data::Preprocessing& how) const {
    return !exif_rotate && !how.exif_rotate;
  }
};

/// Where the images come from: a folder, or lists of paths.
struct DataSource {
  std::string data;  ///< a folder or a file, in one of the forms of data::sources()
  std::string train_list, val_list, test_list, data_root;  ///< instead: lines `path label`
  std::string on_bad_image = "error";                      ///< or skip
  bool allow_empty_class = false;
  bool val_counts = false;        ///< val is trained on, too: its classes are classes as train's are
  bool note_orientation = false;  ///< an image whose EXIF orientation is not followed is worth a note

  double val_split = 0, test_split = 0;  ///< shares that are cut off as val and test; 0: not given
  std::string group;                     ///< the column of a list whose groups a cut keeps together
  std::string class_order = "sorted";    ///< of classes that are named: sorted or natural
  std::string cut_file = {};             ///< the record of a cut; empty: there is none
  std::string trained_cut = {};  ///< DataCut::sha256() of the run that a delta is of; empty: of no cut
  Index seed = 0;                ///< of a cut

  bool has_lists() const { return !(train_list + val_list + test_list).empty(); }
  /// Throws a UsageError unless the data is given in one form that has `split`.
  void check(const std::string& split = "train") const;
  /// The list of "train", "val" or "test"; empty when it is not given.
  const std::string& list_of(const std::string& split) const;
  /// The folder that the names of images are relative to.
  std::string root() const;
  /// A short name of the data set.
  std::string name() const;
};

/// All that decides what a run computes, and how it is carried out.
struct TrainConfig {
  ModelSource model;
  DataSource data;

  std::string method = "grft";
  std::map<std::string, std::string> method_options;  ///< those that are not the method's defaults

  std::string on = "train";                ///< split to train on, or train+val
  std::string head = "auto";               ///< auto keeps a head whose class count fits; keep, new
  std::string init_head = "trunc-normal";  ///< values of a new head, or zeros
  std::string augment = "none";            ///< see data::augmentations()
  Index augment_copies = 0;                ///< fixed variants of each image; 0: new ones every epoch
  double patch_drop = 0;                   ///< see PatchDrop; in training and scoring
  bool no_score_shuffle = false, no_shuffle = false;  ///< score, train in sorted path order
  Index batch_size = 32, grad_accum = 1;              ///< images in a batch, batches for one step
  Index workers = 2;                                  ///< threads that decode ahead
  std::string recompute = "none";                     ///< see models::recompute_names()
  std::string prefix_cache = "auto";                  ///< see PrefixCacheOptions::parse()

  Index epochs = 10, steps = 0;    ///< steps, where set, instead of epochs
  std::string optimizer = "adam";  ///< sgd, adam, adamw
  double lr = 1e-3, momentum = 0, weight_decay = 0;
  std::string schedule = "cosine";  ///< see schedule_names()
  double warmup_epochs = 0, min_lr = 0;
  double clip = 0;                     ///< maximum gradient norm; 0: any
  std::string class_weights = "none";  ///< of the loss: none or balanced
  double label_smoothing = 0, mixup = 0, cutmix = 0, drop_path = 0;
  double ema = 0;                              ///< decay of an average of the weights; 0: off
  Index freeze_blocks = 0, reinit_blocks = 0;  ///< the first blocks, the last ones
  std::string select_blocks;                   ///< "A-B", from 1, both included; empty: all
  double layer_decay = 1;                      ///< factor of the learning rate per block downwards

  Index eval_every = 1;         ///< epochs between evaluations on val
  Index save_every = 0;         ///< steps between checkpoints; 0: after every epoch
  std::string keep = "last";    ///< weights to keep: last, or best on val
  bool no_test = false;         ///< the test split is not used
  std::string instruction_set;  ///< of the inner loops; empty: the one in use

  /// Throws a UsageError when a value makes no sense, or a field that is set contradicts another one or has
  /// no effect because of it: by the declarations of tools/training/options/train_options.h.
  void check() const;
  /// True when an image is the same in every pass of the training, in each of its variants.
  bool image_is_fixed() const;
  /// The layers in which anything may train, by `freeze_blocks` and `select_blocks`, besides what
  /// `reinit_blocks` gives new weights. Throws a UsageError when `select_blocks` is no range, or nothing is
  /// left of it.
  engine::LayerRange layers() const;
  /// True when the features of an image are: the backbone is frozen, too.
  bool knows_features() const;

  std::unique_ptr<engine::Optimizer> make_optimizer(const std::vector<engine::NamedParameter>& all) const;
  /// The steps of an epoch of so many images; a batch that does not fill is left out.
  EpochSteps epoch_steps(Index images) const { return {images / batch_size, grad_accum}; }
  /// Steps of the whole run.
  Index total_steps(Index steps_per_epoch) const;
  engine::Schedule make_schedule(Index total, Index steps_per_epoch) const;
};

/// The schedules of the learning rate.
const std::vector<std::string>& schedule_names();

/// The instruction sets, fastest first.
const std::vector<std::string>& instruction_sets();

/// Uses that instruction set from now on; the empty name changes nothing. Throws a UsageError when this
/// processor does not have it.
void use_instruction_set(const std::string& name);

}  // namespace training
