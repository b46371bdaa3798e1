#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/image.h"

namespace data {

/// Images with labels, in a fixed order. Several threads may read at once.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual Index size() const = 0;
  /// What the image is called: the path of its file, or the file and the position in it.
  virtual std::string name(Index i) const = 0;
  /// Its class, a position in Splits::classes.
  virtual Index label(Index i) const = 0;
  /// Its pixels. Throws an Error that starts with its name when it cannot be read.
  virtual Image image(Index i) const = 0;

  /// The file that it lies in, alone or with others: while size and times of that file stay, so does the
  /// image. Its name, which need not be a file's, where that is not known.
  virtual std::string file(Index i) const { return name(i); }
  /// SHA-256 of what the image is made from: the bytes of its own; or of its size and its pixels, where it
  /// has none. Throws as image() does.
  virtual std::string sha256(Index i) const;
  /// Throws an Error that starts with its name when it is known without reading it that it is not there.
  virtual void check_there(Index) const {}
};

/// An image that cannot be read, why, and the split it was in.
struct BadImage {
  std::string file, reason, split;
};

/// A data set as it lies on disk.
struct Splits {
  std::vector<std::string> classes;                 ///< of what is trained on; labels count in this list
  std::shared_ptr<const Dataset> train, val, test;  ///< null where absent; train never is
  Index ignored = 0;                     ///< files that were passed over: not images by their names
  std::vector<std::string> notes;        ///< what looks odd but may be meant
  std::vector<BadImage> skipped;         ///< what was left out of the splits
  bool whole = false;                    ///< train is all there is, in no splits, and is to be cut
  std::vector<std::string> groups = {};  ///< of each image of train, by the column that was asked for
  std::string class_order = {};  ///< what orders the classes, in words; empty: their names, as was asked for
};

/// The images of `a`, then those of `b`.
std::shared_ptr<const Dataset> concat(std::shared_ptr<const Dataset> a, std::shared_ptr<const Dataset> b);

/// The images of `all` at these places.
std::shared_ptr<const Dataset> some_of(std::shared_ptr<const Dataset> all, std::vector<Index> places);
/// The images of `all` whose label is below `classes`.
std::shared_ptr<const Dataset> first_classes(std::shared_ptr<const Dataset> all, Index classes);

/// Where one of the names that `classes` lack may be one of these in another of Unicode's normalisations:
/// "; train's ... looks alike and ...", to be put behind an error. `whose` are the classes. Otherwise
/// nothing.
std::string hint_of_spelling(std::span<const std::string> lacking, std::span<const std::string> classes,
                             std::string_view whose);

/// The position of every one of `names` in `classes`. Throws an Error that lists those which are not there.
std::vector<Index> find_classes(std::string_view split, std::span<const std::string> names,
                                std::span<const std::string> classes);

/// `classes` with those of the `names` of a further split that are new among them, sorted. Throws that Error
/// when one of these may be a class of `classes` in another normalisation of Unicode.
std::vector<std::string> united_classes(std::string_view split, std::span<const std::string> names,
                                        std::span<const std::string> classes);

/// Throws an Error when there are fewer than two classes to tell apart.
void check_classes(std::string_view where, std::span<const std::string> classes);

}  // namespace data
