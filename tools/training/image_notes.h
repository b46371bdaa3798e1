#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "data/dataset.h"
#include "tools/training/events.h"

namespace training {

/// What there is to say of image files that are read all the same: damage that touches no pixel, and EXIF
/// orientations that are not followed. It is gathered while images are read, by any number of threads, and
/// noted once for each kind.
class ImageNotes : public std::enable_shared_from_this<ImageNotes> {
 public:
  struct Options {
    bool strict = false;       ///< the first image that there is something to say of is an Error
    bool orientation = false;  ///< an orientation that is not followed is worth a note
  };
  explicit ImageNotes(const Options& options) : options_(options) {}

  /// The same images; what there is to say of them is gathered when they are read.
  std::shared_ptr<const data::Dataset> watch(std::shared_ptr<const data::Dataset> images);
  /// Takes in an image that was read under this name. Throws that Error where notes are errors.
  void add(const data::Image& image, const std::string& name);
  /// Notes each kind that was not noted before: how many images, and the first of them by its name.
  void note(const Events& events);

 private:
  class Watched;
  /// Two kinds of damage have other words; the numbers in them do not count.
  struct Kind {
    std::string words;                          ///< "damage that touches no pixel"
    std::string advice;                         ///< what can be done
    std::map<std::string, std::string> images;  ///< by their names, with the details of each
    bool noted = false;
  };
  void add(const std::string& kind, const Kind& empty, const std::string& name, const std::string& details);

  Options options_;
  std::mutex mutex_;
  std::map<std::string, Kind> kinds_;
};

}  // namespace training
