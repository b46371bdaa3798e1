#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/image.h"

namespace data {

/// The splits that a data set is cut into.
enum class Part : std::uint8_t { train, val, test };
inline constexpr const char* kPartNames[] = {"train", "val", "test"};

/// An image as a cut sees it.
struct CutImage {
  std::string path;  ///< relative to its data set, in which no two images have one
  Index label = 0;
  std::string group = {};  ///< images of one group stay together; empty for all: each is on its own
};

struct CutShares {
  double val = 0, test = 0;  ///< of all images, together below 1
  std::uint64_t seed = 0;
};

/// How many of a split's `total` images come from each class, in proportion to `share` times its count: whole
/// parts first, then one for each of the largest remainders, ties to the first class (Hamilton's method). No
/// class gives more than `most`; what it cannot give the next remainder does.
std::vector<Index> largest_remainders(std::span<const Index> counts, double share,
                                      std::span<const Index> most);

/// The split of every image, a function of the seed, paths, labels' names and groups alone: in whatever order
/// images and classes are given, each has the same. Shares of all images, rounded to whole numbers, are
/// divided among the classes by largest_remainders; each class keeps an image in train. Which images these
/// are is random. Groups go one after the other, the largest first, to the split where they bring the counts
/// of all classes nearest to these (least squares). Throws an Error when a path is there twice, when val or
/// test would get no image, or train none of a class.
std::vector<Part> cut(std::span<const CutImage> images, std::span<const std::string> classes,
                      const CutShares& shares);

}  // namespace data
