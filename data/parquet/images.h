#pragma once

#include <memory>

#include "data/dataset.h"
#include "data/parquet/image_columns.h"
#include "data/parquet/stored_values.h"

namespace data::parquet {

/// The images of some files, one after the other, called "x.parquet:0" by file and row. StoredValues says
/// what reading them costs and keeps in memory.
class Images : public Dataset {
 public:
  /// One file of a split.
  struct Shard {
    StoredValues::Part part;
    Index first = 0;  ///< the position of its first image
  };
  Images(std::vector<Shard> shards, std::vector<std::uint32_t> labels);

  Index size() const override { return values_.size(); }
  std::string name(Index i) const override;
  Index label(Index i) const override { return labels_[static_cast<std::size_t>(i)]; }
  Image image(Index i) const override;
  std::string file(Index i) const override;
  std::string sha256(Index i) const override;
  void check_there(Index i) const override;

  const StoredValues& values() const { return values_; }

 private:
  const Shard& shard(Index i) const;

  std::vector<Shard> shards_;
  StoredValues values_;
  std::vector<std::uint32_t> labels_;
};

/// The files of a split with their labels, before these count in the classes of all splits.
struct RawSplit {
  std::vector<Images::Shard> shards;
  std::vector<std::uint32_t> labels;  ///< numbers as they stand there, or positions in `texts`
  bool texts_are_labels = false;
  std::vector<std::string> texts;        ///< sorted by their bytes
  std::vector<std::string> class_names;  ///< of numbers, where the files say
  std::string label_name;
  Index largest = -1;      ///< label
  std::string largest_at;  ///< the image that has it
};

/// Reads footers and labels of these files, of one kind in all. Throws an Error that names the file, and the
/// row of a label that is null or below 0.
RawSplit read_split(const std::vector<std::filesystem::path>& files);

}  // namespace data::parquet
