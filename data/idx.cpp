#include "data/idx.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "data/codecs/decoders.h"
#include "data/file.h"
#include "data/split_file.h"
#include "engine/io/inflate.h"

namespace data {
namespace {

namespace fs = std::filesystem;

constexpr Index kMaxBytes = Index{1} << 31;

/// The file's content piece by piece, decompressed when it is gzip.
class Source {
 public:
  explicit Source(const fs::path& path) : who_(path.string() + ":"), packed_(read_all(engine::File(path))) {
    if (packed_.size() > 2 && packed_[0] == std::byte{0x1f} && packed_[1] == std::byte{0x8b})
      zipped_.emplace(engine::Inflater::Form::gzip, std::vector{engine::Inflater::Bytes(packed_)},
                      who_ + " is a damaged gzip file:");
  }

  /// The most bytes the content can have.
  Index limit() const {
    return std::min(kMaxBytes,
                    static_cast<Index>(packed_.size()) * (zipped_ ? engine::Inflater::kMaxRatio : 1));
  }
  const std::string& who() const { return who_; }

  /// Fills `out` with the next bytes; returns how many there were.
  std::size_t read(std::span<std::uint8_t> out) {
    if (zipped_) return zipped_->read(std::as_writable_bytes(out));
    const std::size_t count = std::min(out.size(), packed_.size() - at_);
    std::copy_n(reinterpret_cast<const std::uint8_t*>(packed_.data()) + at_, count, out.data());
    at_ += count;
    return count;
  }

  /// The next `count` bytes, or as many as there are. Memory grows with what is there, not with what was
  /// announced.
  std::vector<std::uint8_t> take(std::size_t count) {
    constexpr std::size_t at_first = 1 << 20;
    std::vector<std::uint8_t> bytes;
    while (bytes.size() < count) {
      const std::size_t done = bytes.size();
      bytes.resize(std::min(count, std::max(at_first, 2 * done)));
      const std::size_t got = read(std::span(bytes).subspan(done));
      if (done + got == bytes.size()) continue;
      bytes.resize(done + got);
      break;
    }
    return bytes;
  }

  /// Checks that nothing follows and that gzip's checksum is right.
  void finish() {
    std::uint8_t extra;
    check(read({&extra, 1}) == 0, who_, "is a damaged IDX file: it goes on after the values it announces");
    if (!zipped_) return;
    check(zipped_->ended(), who_, "is a damaged gzip file: it is cut off");
    check(zipped_->left() == 0, who_, "is a damaged gzip file:", zipped_->left(), "bytes follow its end");
  }

 private:
  std::string who_;
  std::vector<std::byte> packed_;
  std::optional<engine::Inflater> zipped_;
  std::size_t at_ = 0;
};

class IdxImages : public Dataset {
 public:
  IdxImages(const fs::path& file, IdxArray images, IdxArray labels)
      : file_(file.string()), images_(std::move(images)), labels_(std::move(labels)) {}
  Index size() const override { return static_cast<Index>(labels_.values.size()); }
  std::string name(Index i) const override { return file_ + "[" + std::to_string(i) + "]"; }
  Index label(Index i) const override { return labels_.values[static_cast<std::size_t>(i)]; }
  Image image(Index i) const override {
    Image image(images_.shape[2], images_.shape[1]);
    const std::uint8_t* gray = images_.values.data() + i * image.width * image.height;
    for (Index k = 0; k < image.width * image.height; ++k) std::fill_n(image.rgb.data() + k * 3, 3, gray[k]);
    return image;
  }
  Index largest_label() const { return *std::max_element(labels_.values.begin(), labels_.values.end()); }
  /// The classes are `named` by classes.txt, or those of train.
  void check_labels(Index classes, bool named) const {
    check(largest_label() < classes, file_ + ":", "label", largest_label(),
          named ? engine::say("is no class; the", classes, "lines of classes.txt are 0 to")
                : "is a class that train lacks: its labels are 0 to",
          classes - 1);
  }

 private:
  std::string file_;
  IdxArray images_, labels_;
};

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// The file of a split's images or labels, as it is called or as some downloads and programs call it: with a
/// dot before idx, or with .gz at its end. The first of these names where none is there.
fs::path idx_file(const fs::path& dir, const std::string& split, const std::string& what) {
  const fs::path usual = dir / (split + "-" + what + "-ubyte");
  std::string dotted = split + "-" + what + "-ubyte";
  dotted[dotted.rfind("-idx")] = '.';
  for (const fs::path& path : {usual, dir / dotted}) {
    for (const char* end : {"", ".gz"})
      if (is_there(path.string() + end)) return path.string() + end;
  }
  return usual;
}

fs::path images_file(const fs::path& dir, const std::string& split) {
  return idx_file(dir, split, "images-idx3");
}

std::shared_ptr<const IdxImages> open_split(const fs::path& dir, const std::string& split) {
  const fs::path images_path = images_file(dir, split);
  if (!is_there(images_path)) return nullptr;
  const fs::path labels_path = idx_file(dir, split, "labels-idx1");
  IdxArray images = read_idx(images_path), labels = read_idx(labels_path);
  check(images.shape.size() == 3, images_path.string() + ":", "has", images.shape.size(),
        "axes; images have three");
  check(labels.shape.size() == 1, labels_path.string() + ":", "has", labels.shape.size(),
        "axes; labels have one");
  check(images.shape[0] == labels.shape[0], images_path.string() + ":", images.shape[0], "images, but",
        labels_path.string(), "has", labels.shape[0], "labels");
  check(images.shape[0] > 0, images_path.string() + ":", "no images");
  check_size(images_path.string(), images.shape[2], images.shape[1]);
  return std::make_shared<IdxImages>(images_path, std::move(images), std::move(labels));
}

}  // namespace

IdxArray read_idx(const fs::path& path) {
  Source source(path);
  const std::string& who = source.who();
  std::uint8_t magic[4];
  constexpr std::uint8_t unsigned_bytes = 8;
  check(source.read(magic) == 4 && magic[0] == 0 && magic[1] == 0, who, "is not an IDX file");
  check(magic[2] == unsigned_bytes, who, "must hold unsigned bytes (type 8), not type", int{magic[2]});
  check(magic[3] >= 1 && magic[3] <= 3, who, "has", int{magic[3]}, "axes; 1 to 3 are read");

  IdxArray array;
  Index count = 1;
  const Index limit = source.limit();
  for (int axis = 0; axis < magic[3]; ++axis) {
    std::uint8_t b[4];
    check(source.read(b) == 4, who, "is a damaged IDX file: it is cut off in its header");
    const Index length = Index{b[0]} << 24 | Index{b[1]} << 16 | Index{b[2]} << 8 | b[3];
    array.shape.push_back(length);
    check(length == 0 || count <= limit / length, who, "announces more values than the file can hold");
    count *= length;
  }
  array.values = source.take(static_cast<std::size_t>(count));
  check(static_cast<Index>(array.values.size()) == count, who, "is cut off:", array.values.size(),
        "bytes of values where", count, "are announced");
  source.finish();
  return array;
}

bool is_idx(const fs::path& dir) {
  return is_there(images_file(dir, "train"));
}

Splits open_idx(const fs::path& dir, bool val_counts) {
  const auto train = open_split(dir, "train"), val = open_split(dir, "val");
  check(train != nullptr, "no train split:", images_file(dir, "train").string(), "does not exist");
  Splits splits;
  const std::optional<ClassMap> map = read_class_map(dir);
  const bool named = map.has_value();
  if (named) splits.classes = map->names;
  splits.class_order = named ? "the order of " + map->file.string() : "that of their numbers";
  Index largest = train->largest_label();
  if (val_counts && val != nullptr) largest = std::max(largest, val->largest_label());
  if (!named) splits.classes = numbered_classes(largest + 1);
  check_classes(dir.string(), splits.classes);
  const Index classes = static_cast<Index>(splits.classes.size());
  auto checked = [&](std::shared_ptr<const IdxImages> split) {
    if (split != nullptr) split->check_labels(classes, named);
    return split;
  };
  splits.train = checked(train);
  splits.val = checked(val);
  const bool mnist = is_there(images_file(dir, "t10k"));
  splits.test = checked(open_split(dir, mnist ? "t10k" : "test"));
  return splits;
}

}  // namespace data
