#pragma once

#include "data/parquet/features.h"

namespace data::parquet {

/// Which columns of a file hold images and their labels.
struct ImageColumns {
  std::size_t image = 0, label = 0;  ///< of bytes; of whole numbers, or of texts
  std::string label_name;
  bool texts = false;                    ///< labels are texts
  std::vector<std::string> class_names;  ///< of labels that are numbers; none where the file does not say
};

/// The images are the column that the datasets library calls an Image, or else image or img: bytes, or bytes
/// beside a path. The labels are what it calls a ClassLabel, or else label or labels. Throws an Error that
/// lists the columns there are when one of the two is not there, several could be it, or its type is not
/// read.
ImageColumns find_image_columns(const Footer& footer, const std::string& file);

}  // namespace data::parquet
