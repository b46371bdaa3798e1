#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "data/codecs/decode.h"
#include "data/codecs/decoders.h"
#include "engine/base/text.h"

namespace data {
namespace {

/// What is left of a file in memory.
struct Rest {
  std::span<const std::byte> bytes;
};

int read_rest(GifFileType* gif, GifByteType* to, int count) {
  auto& rest = *static_cast<Rest*>(gif->UserData);
  const std::size_t got = std::min(static_cast<std::size_t>(count), rest.bytes.size());
  std::memcpy(to, rest.bytes.data(), got);
  rest.bytes = rest.bytes.subspan(got);
  return static_cast<int>(got);
}

struct Close {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};

/// A GIF up to its first frame, whose header was read.
class Gif {
 public:
  Gif(std::span<const std::byte> bytes, std::string_view name)
      : name_(name), size_(bytes.size()), rest_{bytes} {
    int code = 0;
    gif_.reset(DGifOpen(&rest_, read_rest, &code));
    if (gif_ == nullptr) throw Error(who() + ' ' + reason(code));
    find_frame();
  }

  /// All pixels of the screen, which the frame need not fill: the rest has the colour that is transparent, or
  /// the first one.
  Image image() {
    const GifImageDesc& frame = gif_->Image;
    const Index width = std::max<Index>(gif_->SWidth, Index{frame.Left} + frame.Width),
                height = std::max<Index>(gif_->SHeight, Index{frame.Top} + frame.Height);
    check_size(name_, width, height);
    check_density(name_, width, height, size_);
    check(frame.Width > 0 && frame.Height > 0, who(), "is a damaged GIF: its first frame is empty");
    const auto colours = palette();
    Image image(width, height);
    const Colour& around = colours[static_cast<std::size_t>(std::max(0, transparent_))];
    if (width > frame.Width || height > frame.Height)
      for (std::size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = around[i % 3];
    std::vector<GifPixelType> line(static_cast<std::size_t>(frame.Width));
    struct Pass {
      int first, step;
    };
    constexpr std::array<Pass, 4> interlaced = {{{0, 8}, {4, 8}, {2, 4}, {1, 2}}};
    constexpr std::array<Pass, 1> plain = {{{0, 1}}};
    for (const Pass& pass : frame.Interlace ? std::span<const Pass>(interlaced) : plain)
      for (int y = pass.first; y < frame.Height; y += pass.step) {
        require(DGifGetLine(gif_.get(), line.data(), frame.Width));
        std::uint8_t* to = image.row(frame.Top + y) + Index{frame.Left} * 3;
        for (const GifPixelType pixel : line) to = std::copy_n(colours[pixel].data(), 3, to);
      }
    note_end(image);
    return image;
  }

 private:
  using Colour = std::array<std::uint8_t, 3>;

  std::string who() const { return name_ + ":"; }
  std::string cut_off() const { return engine::say("it is cut off after", size_, "bytes"); }
  /// Why giflib has stopped.
  std::string reason(int code) const {
    const char* const text = GifErrorString(code);
    return "is a damaged GIF: " + (rest_.bytes.empty() ? cut_off() : text ? std::string(text) : "unknown");
  }

  void require(int status) const {
    if (status != GIF_OK) throw Error(who() + ' ' + reason(gif_->Error));
  }

  GifRecordType next_record() {
    GifRecordType type = UNDEFINED_RECORD_TYPE;
    require(DGifGetRecordType(gif_.get(), &type));
    return type;
  }

  void find_frame() {
    GifRecordType type = next_record();
    for (; type == EXTENSION_RECORD_TYPE; type = next_record()) read_extension();
    check(type == IMAGE_DESC_RECORD_TYPE, who(), "is a damaged GIF: it has no frame");
    require(DGifGetImageDesc(gif_.get()));
  }

  void read_extension() {
    int code = 0;
    GifByteType* block = nullptr;
    int status = DGifGetExtension(gif_.get(), &code, &block);
    while (status == GIF_OK && block != nullptr) {
      GraphicsControlBlock control;  // the last one before the frame counts; giflib reads blocks of 4 bytes
      if (code == GRAPHICS_EXT_FUNC_CODE && DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
        transparent_ = control.TransparentColor;
      status = DGifGetExtensionNext(gif_.get(), &block);
    }
    require(status);
  }

  /// The frame's own colours or those of all frames; grays where there are neither. Black beyond them.
  std::array<Colour, 256> palette() const {
    const ColorMapObject* const map = gif_->Image.ColorMap ? gif_->Image.ColorMap : gif_->SColorMap;
    std::array<Colour, 256> colours{};
    for (std::size_t i = 0; i < colours.size(); ++i)
      if (map == nullptr)
        colours[i].fill(static_cast<std::uint8_t>(i));
      else if (i < static_cast<std::size_t>(map->ColorCount))
        colours[i] = {map->Colors[i].Red, map->Colors[i].Green, map->Colors[i].Blue};
    return colours;
  }

  /// Passes over the pixels of a frame.
  void skip_frame() {
    int code_size = 0;
    GifByteType* block = nullptr;
    int status = DGifGetImageDesc(gif_.get());
    if (status == GIF_OK) status = DGifGetCode(gif_.get(), &code_size, &block);
    while (status == GIF_OK && block != nullptr) status = DGifGetCodeNext(gif_.get(), &block);
    require(status);
  }

  /// Damage of what follows the frame touches no pixel.
  void note_end(Image& image) {
    try {
      for (GifRecordType type = next_record(); type != TERMINATE_RECORD_TYPE; type = next_record())
        if (type == EXTENSION_RECORD_TYPE)
          read_extension();
        else
          skip_frame();
    } catch (const Error&) {
      image.note = rest_.bytes.empty() ? cut_off() : "what follows its first frame is damaged";
    }
  }

  std::string name_;
  std::size_t size_;
  Rest rest_;
  std::unique_ptr<GifFileType, Close> gif_;
  int transparent_ = -1;
};

}  // namespace

Image decode_gif(std::span<const std::byte> bytes, std::string_view name) {
  return Gif(bytes, name).image();
}

}  // namespace data
