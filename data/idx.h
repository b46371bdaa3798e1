#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "data/dataset.h"

namespace data {

/// An array of bytes in MNIST's IDX form.
struct IdxArray {
  std::vector<Index> shape;
  std::vector<std::uint8_t> values;
};

/// Reads an IDX file of unsigned bytes, also when it is compressed by gzip. The sizes it claims are checked
/// against the file before memory is taken; an Error names the file.
IdxArray read_idx(const std::filesystem::path& path);

/// The images of MNIST and its relatives: `<split>-images-idx3-ubyte[.gz]` with
/// `<split>-labels-idx1-ubyte[.gz]` (or a dot before idx), where the split is train, val, and t10k or test.
/// Gray becomes RGB. Class names are the lines of classes.txt, or the numbers from 0 to the largest label of
/// what is trained on: of train and, where it counts, of val.
Splits open_idx(const std::filesystem::path& dir, bool val_counts = false);

/// True when DIR holds such images to train on.
bool is_idx(const std::filesystem::path& dir);

}  // namespace data
