#include "tools/training/image_notes.h"

#include <algorithm>

#include "engine/base/text.h"

namespace training {

namespace {

/// The words of a text that have no digit.
std::string without_numbers(const std::string& text) {
  std::vector<std::string> words;
  for (const std::string& word : engine::split(text, ' '))
    if (word.find_first_of("0123456789") == std::string::npos) words.push_back(word);
  return engine::join(words, " ");
}

}  // namespace

class ImageNotes::Watched : public data::Dataset {
 public:
  Watched(std::shared_ptr<const data::Dataset> images, std::shared_ptr<ImageNotes> notes)
      : images_(std::move(images)), notes_(std::move(notes)) {}
  Index size() const override { return images_->size(); }
  std::string name(Index i) const override { return images_->name(i); }
  Index label(Index i) const override { return images_->label(i); }
  data::Image image(Index i) const override {
    data::Image image = images_->image(i);
    notes_->add(image, name(i));
    return image;
  }
  std::string file(Index i) const override { return images_->file(i); }
  std::string sha256(Index i) const override { return images_->sha256(i); }
  void check_there(Index i) const override { images_->check_there(i); }

 private:
  std::shared_ptr<const data::Dataset> images_;
  std::shared_ptr<ImageNotes> notes_;
};

std::shared_ptr<const data::Dataset> ImageNotes::watch(std::shared_ptr<const data::Dataset> images) {
  return std::make_shared<Watched>(std::move(images), shared_from_this());
}

void ImageNotes::add(const data::Image& image, const std::string& name) {
  if (!image.note.empty())
    add(without_numbers(image.note), {.words = "damage that touches no pixel", .advice = {}, .images = {}},
        name, image.note);
  if (options_.orientation && image.orientation != 1)
    add("orientation",
        {.words = "an EXIF orientation that is not followed",
         .advice = "; --exif-rotate turns them upright",
         .images = {}},
        name, engine::say("orientation", image.orientation));
}

void ImageNotes::add(const std::string& kind, const Kind& empty, const std::string& name,
                     const std::string& details) {
  engine::check(!options_.strict, name + ":", details + empty.advice, "(--strict)");
  const std::lock_guard lock(mutex_);
  kinds_.emplace(kind, empty).first->second.images.emplace(name, details);
}

void ImageNotes::note(const Events& events) {
  std::vector<std::string> lines;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [name, kind] : kinds_) {
      if (kind.noted) continue;
      kind.noted = true;
      const auto& [first, details] = *kind.images.begin();
      lines.push_back(engine::say("note:", kind.images.size(),
                                  kind.images.size() == 1 ? "image has" : "images have", kind.words + ",",
                                  "such as", first + ":", details + kind.advice));
    }
  }
  for (const std::string& line : lines) events.on_note(line);
}

}  // namespace training
