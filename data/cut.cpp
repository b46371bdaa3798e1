#include "data/cut.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>

#include "engine/tensor/random.h"

namespace data {
namespace {

using engine::Random;
constexpr std::size_t kParts = 3;
/// Images of each class in each split.
using Counts = std::array<std::vector<Index>, kParts>;

/// Nearer to a whole number than this, a product of a share and a count is one.
constexpr double kRounding = 1e-9;

/// The places of the images by their paths. Throws an Error when two have one.
std::vector<std::size_t> by_path(std::span<const CutImage> images) {
  std::vector<std::size_t> order(images.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) -> const std::string& { return images[i].path; });
  const auto twice = std::ranges::adjacent_find(
      order, [&](std::size_t a, std::size_t b) { return images[a].path == images[b].path; });
  check(twice == order.end(), twice == order.end() ? "" : images[*twice].path + ":",
        "is listed twice, so that a cut could put it into two splits; list it once");
  return order;
}

Counts targets_of(std::span<const CutImage> images, std::size_t classes, const CutShares& shares) {
  Counts targets;
  std::vector<Index> left(classes);
  for (const CutImage& image : images) ++left[static_cast<std::size_t>(image.label)];
  const std::vector<Index> counts = left;
  std::vector<Index> most(classes);
  for (const auto& [part, share] : {std::pair{Part::val, shares.val}, {Part::test, shares.test}}) {
    std::ranges::transform(left, most.begin(), [](Index n) { return std::max<Index>(n - 1, 0); });
    std::vector<Index>& target = targets[static_cast<std::size_t>(part)] =
        largest_remainders(counts, share, most);
    for (std::size_t c = 0; c < classes; ++c) left[c] -= target[c];
  }
  targets[0] = left;
  return targets;
}

/// Deals the images of each class out as the targets have it, in random order.
std::vector<Part> cut_images(std::span<const CutImage> images, const Counts& targets, std::uint64_t seed) {
  std::vector<Part> parts(images.size(), Part::train);
  std::vector<std::vector<std::size_t>> of_class(targets[0].size());
  for (const std::size_t i : by_path(images))
    of_class[static_cast<std::size_t>(images[i].label)].push_back(i);
  for (std::size_t c = 0; c < of_class.size(); ++c) {
    Random random(seed, Random::Use::cut, c);
    const std::vector<Index> order = random.permutation(std::ssize(of_class[c]));
    const Index val = targets[1][c], test = targets[2][c];
    for (Index k = 0; k < val + test; ++k)
      parts[of_class[c][static_cast<std::size_t>(order[static_cast<std::size_t>(k)])]] =
          k < val ? Part::val : Part::test;
  }
  return parts;
}

/// Deals whole groups out.
std::vector<Part> cut_groups(std::span<const CutImage> images, const Counts& targets,
                             const CutShares& shares) {
  std::map<std::string, std::vector<std::size_t>> members;
  for (const std::size_t i : by_path(images)) members[images[i].group].push_back(i);
  std::vector<const std::vector<std::size_t>*> groups;
  for (const auto& [name, group] : members) groups.push_back(&group);
  Random random(shares.seed, Random::Use::cut);
  std::vector<Index> order = random.permutation(std::ssize(groups));
  const auto group_at = [&](Index i) -> const auto& {
    return *groups[static_cast<std::size_t>(i)];
  };
  std::ranges::stable_sort(order, std::greater<>(), [&](Index i) { return group_at(i).size(); });

  std::vector<Part> parts(images.size(), Part::train);
  Counts counts;
  counts.fill(std::vector<Index>(targets[0].size()));
  const std::array<bool, kParts> wanted{true, shares.val > 0, shares.test > 0};
  for (const Index g : order) {
    std::map<std::size_t, Index> of_class;
    for (const std::size_t i : group_at(g)) ++of_class[static_cast<std::size_t>(images[i].label)];
    std::size_t best = 0;
    double least = INFINITY;
    for (std::size_t p = 0; p < kParts; ++p) {
      if (!wanted[p]) continue;
      double change = 0;  // of the sum of squares
      for (const auto& [c, n] : of_class)
        change += static_cast<double>(n) * static_cast<double>(2 * (counts[p][c] - targets[p][c]) + n);
      if (change < least) least = change, best = p;
    }
    for (const auto& [c, n] : of_class) counts[best][c] += n;
    for (const std::size_t i : group_at(g)) parts[i] = static_cast<Part>(best);
  }
  return parts;
}

/// Throws an Error when a split that was asked for is empty, or train lacks a class.
void check_parts(std::span<const CutImage> images, std::span<const Part> parts,
                 std::span<const std::string> classes, const CutShares& shares) {
  std::array<Index, kParts> sizes{};
  std::vector<Index> all(classes.size()), trained(classes.size());
  for (std::size_t i = 0; i < images.size(); ++i) {
    ++sizes[static_cast<std::size_t>(parts[i])];
    ++all[static_cast<std::size_t>(images[i].label)];
    if (parts[i] == Part::train) ++trained[static_cast<std::size_t>(images[i].label)];
  }
  for (const auto& [part, share] : {std::pair{Part::val, shares.val}, {Part::test, shares.test}}) {
    const char* const name = kPartNames[static_cast<std::size_t>(part)];
    check(share == 0 || sizes[static_cast<std::size_t>(part)] > 0, "--" + std::string(name) + "-split", share,
          "of", images.size(), "images leaves none for",
          std::string(name) + "; there are too few images, or of groups another --seed cuts otherwise");
  }
  for (std::size_t c = 0; c < classes.size(); ++c)
    check(all[c] == 0 || trained[c] > 0, "the cut leaves class", classes[c],
          "without an image to train on: its groups are all in val or test; another --seed cuts otherwise");
}

}  // namespace

std::vector<Index> largest_remainders(std::span<const Index> counts, double share,
                                      std::span<const Index> most) {
  std::vector<Index> taken(counts.size());
  std::vector<double> remainder(counts.size());
  Index images = 0, room = 0, given = 0;
  for (std::size_t c = 0; c < counts.size(); ++c) {
    const double quota = share * static_cast<double>(counts[c]);
    const double whole = std::floor(quota + kRounding);
    remainder[c] = std::round((quota - whole) / kRounding);
    taken[c] = std::min(static_cast<Index>(whole), most[c]);
    images += counts[c], room += most[c], given += taken[c];
  }
  const Index total = std::min(static_cast<Index>(std::lround(share * static_cast<double>(images))), room);
  std::vector<std::size_t> order(counts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t c) { return remainder[c]; });
  while (given < total)
    for (const std::size_t c : order)
      if (given < total && taken[c] < most[c]) ++taken[c], ++given;
  return taken;
}

std::vector<Part> cut(std::span<const CutImage> given, std::span<const std::string> names,
                      const CutShares& shares) {
  // Classes are counted in the order of their names, so that none of this hangs on that of the labels.
  std::vector<std::size_t> order(names.size()), place(names.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t c) -> const std::string& { return names[c]; });
  std::vector<std::string> classes;
  for (const std::size_t c : order) place[c] = classes.size(), classes.push_back(names[c]);
  std::vector<CutImage> images(given.begin(), given.end());
  for (CutImage& image : images)
    image.label = static_cast<Index>(place[static_cast<std::size_t>(image.label)]);

  const Counts targets = targets_of(images, classes.size(), shares);
  const bool grouped =
      std::ranges::any_of(images, [](const CutImage& image) { return !image.group.empty(); });
  std::vector<Part> parts =
      grouped ? cut_groups(images, targets, shares) : cut_images(images, targets, shares.seed);
  check_parts(images, parts, classes, shares);
  return parts;
}

}  // namespace data
