#include "tools/training/image_contents.h"

#include <sys/stat.h>

#include <atomic>
#include <nlohmann/json.hpp>

#include "engine/io/json.h"
#include "engine/io/lines.h"
#include "engine/io/sha256.h"
#include "tools/training/json_field.h"
#include "tools/training/json_text.h"

namespace training {

namespace fs = std::filesystem;

namespace {

/// Size and times of a regular file; nothing of one that is not there, or is none.
std::optional<ImageStamp> on_disk(const std::string& name) {
  struct stat status {};
  if (::stat(name.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  const auto nanoseconds = [](const timespec& t) { return t.tv_sec * 1'000'000'000 + t.tv_nsec; };
  return ImageStamp{.bytes = status.st_size,
                    .modified = nanoseconds(status.st_mtim),
                    .changed = nanoseconds(status.st_ctim),
                    .sha256 = {}};
}

/// 64 hexadecimal digits, as the hashes of this program are.
std::string sha256_of_field(const engine::Json& line) {
  std::string hash = needed_field<std::string>(line, "sha256");
  engine::check(hash.size() == 64 && hash.find_first_not_of("0123456789abcdef") == hash.npos,
                "sha256 should be 64 hexadecimal digits");
  return hash;
}

/// An image as it is now.
ImageStamp stamp_of(const data::Dataset& images, Index i) {
  ImageStamp stamp = on_disk(images.file(i)).value_or(ImageStamp{});
  stamp.sha256 = images.sha256(i);
  return stamp;
}

/// True when the file that an image lies in is as it was.
bool is_untouched(const std::string& file, const ImageStamp& recorded) {
  const auto now = on_disk(file);
  return now && now->bytes == recorded.bytes && now->modified == recorded.modified &&
         (!recorded.changed || now->changed == recorded.changed);
}

}  // namespace

/// A data set whose images are noted before they are decoded: also one that cannot be is part of the data.
class ImageContents::Watched : public data::Dataset {
 public:
  Watched(std::shared_ptr<const data::Dataset> images, std::shared_ptr<ImageContents> contents)
      : images_(std::move(images)),
        contents_(std::move(contents)),
        noted_(static_cast<std::size_t>(images_->size())) {}
  Index size() const override { return images_->size(); }
  std::string name(Index i) const override { return images_->name(i); }
  Index label(Index i) const override { return images_->label(i); }
  data::Image image(Index i) const override {
    if (!noted_[static_cast<std::size_t>(i)].exchange(true)) contents_->note(*images_, i);
    return images_->image(i);
  }
  std::string file(Index i) const override { return images_->file(i); }
  std::string sha256(Index i) const override { return images_->sha256(i); }
  void check_there(Index i) const override { images_->check_there(i); }

 private:
  std::shared_ptr<const data::Dataset> images_;
  std::shared_ptr<ImageContents> contents_;
  mutable std::vector<std::atomic<bool>> noted_;
};

ImageContents::ImageContents(const fs::path& root) : root_(root.lexically_normal()) {}

std::shared_ptr<const data::Dataset> ImageContents::watch(std::shared_ptr<const data::Dataset> images) {
  return std::make_shared<Watched>(std::move(images), shared_from_this());
}

std::string ImageContents::relative(const std::string& name) const {
  const fs::path normal = fs::path(name).lexically_normal(), relative = normal.lexically_relative(root_);
  const std::string text = relative.empty() ? normal.string() : relative.string();
  if (is_utf8(text)) return text;
  std::string escaped;  // files in JSON hold UTF-8
  for (const char c : text) {
    constexpr const char* kDigits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80)
      escaped += c;
    else
      escaped += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return escaped;
}

std::optional<ImageStamp> ImageContents::stamp(const std::string& relative) const {
  const std::lock_guard lock(mutex_);
  const auto found = stamps_.find(relative);
  return found == stamps_.end() ? std::nullopt : std::optional(found->second);
}

void ImageContents::note(const data::Dataset& images, Index i) {
  const std::string name = relative(images.name(i));
  if (stamp(name)) return;
  try {
    remember(name, stamp_of(images, i), true);
  } catch (const engine::Error&) {  // whoever asked for the image gets the error of reading it
  }
}

void ImageContents::remember(const std::string& relative, ImageStamp stamp, bool is_new) {
  const std::lock_guard lock(mutex_);
  if (is_new) {
    nlohmann::ordered_json line{{"file", relative}, {"bytes", stamp.bytes}, {"modified", stamp.modified}};
    if (stamp.changed) line["changed"] = *stamp.changed;
    line["sha256"] = stamp.sha256;
    new_lines_ += json_text(line) + '\n';
  }
  stamps_[relative] = std::move(stamp);
}

std::vector<std::string> ImageContents::changed(const data::Dataset& images, const ImageStamps& recorded,
                                                bool all_new) {
  std::vector<std::string> all;
  for (Index i = 0; i < images.size() && !recorded.empty(); ++i) {
    const std::string name = relative(images.name(i));
    const auto found = recorded.find(name);
    if (found == recorded.end()) continue;
    if (is_untouched(images.file(i), found->second)) {
      remember(name, found->second, all_new);
      continue;
    }
    try {
      auto now = stamp(name);  // of another run with these images, where they were not touched since
      if (!now || !is_untouched(images.file(i), *now)) now = stamp_of(images, i);
      if (now->sha256 == found->second.sha256)
        remember(name, *now, true);
      else
        all.push_back(name);
    } catch (const engine::Error&) {  // it could be read then
      all.push_back(name);
    }
  }
  return all;
}

std::string ImageContents::sha256(const data::Dataset& images, std::span<const Index> places) {
  engine::Sha256 hash;
  for (const Index i : places) {
    const std::string name = relative(images.name(i));
    if (!stamp(name)) note(images, i);
    const auto known = stamp(name);
    engine::check(known.has_value(), images.name(i) + ": cannot be read");
    const std::string line = name + '\0' + known->sha256 + '\0';
    hash.add(std::as_bytes(std::span(line)));
  }
  return hash.hex();
}

std::string ImageContents::new_lines() {
  const std::lock_guard lock(mutex_);
  return std::exchange(new_lines_, {});
}

ImageStamps read_image_stamps(const fs::path& path) {
  constexpr std::size_t kLongest = 1 << 16;
  ImageStamps stamps;
  if (!fs::exists(path)) return stamps;
  engine::for_each_line(path, kLongest, [&](std::string_view text) {
    try {
      const engine::Json line = engine::parse_json(text, path.string());
      stamps[needed_field<std::string>(line, "file")] = {.bytes = needed_field<Index>(line, "bytes"),
                                                         .modified = needed_field<Index>(line, "modified"),
                                                         .changed = field<Index>(line, "changed"),
                                                         .sha256 = sha256_of_field(line)};
    } catch (const engine::Error&) {  // a crash may leave half a line, or damage
    }
  });
  return stamps;
}

std::string describe_changed(const std::vector<std::string>& changed) {
  const std::string more =
      changed.size() > 1 ? engine::say(" and", changed.size() - 1, "more are not what they were") : "";
  return "image " + json_text(changed.front()) + (more.empty() ? " is not what it was" : more);
}

}  // namespace training
