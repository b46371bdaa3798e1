#pragma once

#include <filesystem>
#include <optional>

#include "data/transforms.h"
#include "engine/io/safetensors.h"
#include "models/vit.h"
#include "tools/training/events.h"
#include "tools/training/threads.h"
#include "tools/training/train_config.h"

namespace training {

/// A model with all that is known about it.
struct LoadedModel {
  models::Vit model;
  std::string arch;
  std::string base_sha256;           ///< of the checkpoint, as Weights::sha256() has it
  std::filesystem::path checkpoint;  ///< its file or index; empty for random weights
  bool has_head = false;             ///< the checkpoint brought a head
  std::string no_softmax = {};       ///< why that head is none of a classifier by softmax; empty: it is one
  std::vector<std::string> classes;  ///< names of the head's classes, where the checkpoint has one for each
  /// Names for the outputs of a head whose checkpoint states none, only to be shown: ImageNet-1k's where
  /// something says that it is its head, which `shown_note` names. Labels of data are not found by them.
  std::vector<std::string> shown_classes = {};
  std::string shown_note = {};
  /// How images are prepared, as stored beside the weights.
  std::optional<data::Preprocessing> stored_preprocessing;
  data::Preprocessing preprocessing;  ///< how they are prepared
  std::string cut_sha256 = {};        ///< DataCut::sha256() of the run it is of; empty: its images had splits
  Threads threads = {};               ///< that compute with it
};

/// Loads the checkpoint, or makes random weights for --arch, with a note. Loops use `source.threads`
/// from then on, as use_threads() says. Without `with_head` nothing of the checkpoint's head is read.
LoadedModel load_model(const ModelSource& source, const Events& events = {}, bool with_head = true);
/// What a delta says of the base it was made for.
struct BaseFacts {
  std::string delta;                    ///< its path
  engine::Metadata metadata;            ///< model_metadata() of that base, as far as the delta has it
  data::ImageSize image_size = {0, 0};  ///< that the delta's images are prepared for
  bool force = false;                   ///< another base is taken, too, with a note
};
/// The base of a delta, without its head, and while `preprocessing` is still to be set. What the base does
/// not say is taken from the delta; where it says otherwise, an Error gives both values.
LoadedModel load_base(const ModelSource& source, const Events& events, const BaseFacts& facts);

/// Why a head of so many rows is none of a classifier by softmax; empty when it is one.
std::string no_softmax(engine::Index rows);

/// Throws an Error unless the model has a head whose outputs are classes that exclude each other.
void check_head(const LoadedModel& loaded, const std::string& path);

/// A class that gets the row of the head that had another name.
struct RenamedRow {
  std::string name, before;
};
/// Puts the rows of the head in the order of `classes`, as many as it has names, and the names with them:
/// each class gets the row of its name, those that the model does not know get the others in their order.
/// Returns the latter.
std::vector<RenamedRow> order_head_by(LoadedModel& loaded, const std::vector<std::string>& classes);

/// A head for this many classes in place of the model's: from a normal distribution cut at 2, or zeros.
void new_head(LoadedModel& loaded, Index classes, const std::string& how, std::uint64_t seed);

}  // namespace training
