#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/dataset.h"
#include "tools/training/train_config.h"

namespace training {

/// What an image held when it was read, and how its file lay on the disk then: size and times tell whether it
/// must be hashed again. Times are in nanoseconds. That of the last change of the file's entry, which no
/// program can set, tells of contents that were exchanged and given the old time of modification.
struct ImageStamp {
  Index bytes = 0, modified = 0;  ///< both 0 for an image that lies in no file
  std::optional<Index> changed;   ///< records of earlier versions lack it
  std::string sha256;             ///< Dataset::sha256
};
/// By the names of images relative to the folder of their data.
using ImageStamps = std::unordered_map<std::string, ImageStamp>;

/// Remembers what the images of a data set held when they were first read, so that a later run knows whether
/// they are the same wherever the folder lies by then. Several threads may read images at once.
class ImageContents : public std::enable_shared_from_this<ImageContents> {
 public:
  /// `root` is the folder of the data, or of the paths in its lists.
  explicit ImageContents(const std::filesystem::path& root);

  /// The same images, whose contents are remembered when they are read.
  std::shared_ptr<const data::Dataset> watch(std::shared_ptr<const data::Dataset> images);

  /// An image's name relative to the root: the same wherever the data lies and however its path is spelled.
  std::string relative(const std::string& name) const;
  /// What is known of an image by its relative name; nothing when it was not read yet.
  std::optional<ImageStamp> stamp(const std::string& relative) const;

  /// Looks whether images are as they were `recorded`, by size and time or else by their hashes, and
  /// remembers those that are. Gives the relative names of those that are not; images without a record were
  /// not read. With `all_new` those that are count as new for new_lines(): the record is another file's.
  std::vector<std::string> changed(const data::Dataset& images, const ImageStamps& recorded,
                                   bool all_new = false);

  /// SHA-256 over the relative names and the contents of the images at these places, in that order. Those
  /// that were not read yet are read now.
  std::string sha256(const data::Dataset& images, std::span<const Index> places);

  /// What is new since the last call, one JSON object a line.
  std::string new_lines();

 private:
  class Watched;
  /// Takes the stamp of an image that has none yet.
  void note(const data::Dataset& images, Index i);
  void remember(const std::string& relative, ImageStamp stamp, bool is_new);

  std::filesystem::path root_;
  mutable std::mutex mutex_;
  ImageStamps stamps_;
  std::string new_lines_;
};

/// The stamps that new_lines() has left in a file; none where there is no file. A line that is damaged is
/// passed over, the last one of an image counts.
ImageStamps read_image_stamps(const std::filesystem::path& path);

/// "train/a/1.png and 2 more are not what they were"
std::string describe_changed(const std::vector<std::string>& changed);

}  // namespace training
