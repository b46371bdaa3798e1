#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <string>

#include <jpeglib.h>

#include <jerror.h>

#include "data/codecs/decode.h"
#include "data/codecs/decoders.h"
#include "data/codecs/exif.h"

namespace data {
namespace {

// A progressive file has about ten scans, each over all pixels. Hundreds of tiny ones keep a decoder busy for
// hours; libjpeg-turbo's advice is to bound them.
constexpr Index kMaxScans = 500, kMaxScannedPixels = 20 * kMaxPixels;
constexpr Index kBlocksPerByte = 8;  // every block of 8 x 8 has a Huffman code of its own, of a bit or more

/// libjpeg's state. Its errors come back by longjmp to the last setjmp, so that functions with a setjmp hold
/// nothing that needs a destructor.
struct Decoder {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf back;
  int max_scans = 0;
  bool unusual = false;  // not damaged, but of a kind that libjpeg does not read
  char message[JMSG_LENGTH_MAX] = "";
  char note[JMSG_LENGTH_MAX] = "";  // the first warning of damage that touches no pixel

  Decoder() = default;
  Decoder(const Decoder&) = delete;
  ~Decoder() { jpeg_destroy_decompress(&info); }
};

[[noreturn]] void fail(j_common_ptr info) {
  auto& decoder = *static_cast<Decoder*>(info->client_data);
  const int code = info->err->msg_code;
  decoder.unusual = code == JERR_BAD_PRECISION || code == JERR_SOF_UNSUPPORTED;
  info->err->format_message(info, decoder.message);
  std::longjmp(decoder.back, 1);
}

/// The parameters of EXTRANEOUS_DATA are how many bytes and the marker after them. Before one that restarts
/// the code within a scan, pixels were read from other bytes than they were written to; elsewhere the bytes
/// lie between segments, where no pixel does.
bool lies_between_segments(const jpeg_decompress_struct& info) {
  const int marker = info.err->msg_parm.i[1];
  return marker < JPEG_RST0 || marker > JPEG_RST0 + 7;
}

/// The parameters of BOGUS_PROGRESSION are a channel and a coefficient: 0 in a scan of others says that the
/// scan of their mean has not come yet. It may come later; that is checked at the end.
bool only_comes_early(const jpeg_decompress_struct& info) {
  return info.Ss > 0 && info.err->msg_parm.i[1] == 0;
}

/// Every warning of libjpeg-turbo's decompressor, and when it touches no pixel, so that the image is that of
/// the sound file. One that is not here means pixels that were made up.
struct Warning {
  int code;
  bool (*harmless)(const jpeg_decompress_struct& info);
};
constexpr auto kAlways = [](const jpeg_decompress_struct&) { return true; };
constexpr auto kNever = [](const jpeg_decompress_struct&) { return false; };
constexpr Warning kWarnings[] = {
    {JWRN_ADOBE_XFORM, kAlways},    // taken for YCbCr or YCCK, as Pillow does
    {JWRN_ARITH_BAD_CODE, kNever},  // such files are refused before
    {JWRN_BOGUS_ICC, kAlways},      // colour profiles are not read
    {JWRN_BOGUS_PROGRESSION, only_comes_early},
    {JWRN_EXTRANEOUS_DATA, lies_between_segments},
    {JWRN_HIT_MARKER, kNever},       // a scan ends before its pixels do: gray follows
    {JWRN_HUFF_BAD_CODE, kNever},    // zeros stand for what cannot be read
    {JWRN_JFIF_MAJOR, kAlways},      // the revision decides nothing
    {JWRN_JPEG_EOF, kNever},         // cut off; an end of image is made up
    {JWRN_MUST_RESYNC, kNever},      // a piece between two restarts is lost or moved
    {JWRN_NOT_SEQUENTIAL, kAlways},  // a baseline scan has all coefficients, whatever its header says
};

void on_message(j_common_ptr common, int level) {
  if (level >= 0) return;
  auto& decoder = *static_cast<Decoder*>(common->client_data);
  for (const Warning& warning : kWarnings)
    if (warning.code == common->err->msg_code && warning.harmless(decoder.info)) {
      if (decoder.note[0] == '\0') common->err->format_message(common, decoder.note);
      return;
    }
  fail(common);
}

void on_progress(j_common_ptr info) {
  auto& decoder = *static_cast<Decoder*>(info->client_data);
  if (decoder.info.input_scan_number <= decoder.max_scans) return;
  std::snprintf(decoder.message, sizeof decoder.message, "more than %d scans", decoder.max_scans);
  std::longjmp(decoder.back, 1);
}

bool read_header(Decoder& decoder, std::span<const std::byte> bytes) {
  decoder.info.err = jpeg_std_error(&decoder.errors);
  decoder.info.client_data = &decoder;
  decoder.errors.error_exit = fail;
  decoder.errors.emit_message = on_message;
  decoder.errors.output_message = [](j_common_ptr) {};
  decoder.progress.progress_monitor = on_progress;
  if (setjmp(decoder.back) != 0) return false;
  jpeg_create_decompress(&decoder.info);
  decoder.info.progress = &decoder.progress;
  jpeg_mem_src(&decoder.info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&decoder.info, TRUE);
  return true;
}

/// Decodes into `pixels`, [height, width, channels]. The default DCT and upsampling are Pillow's.
bool read_pixels(Decoder& decoder, std::uint8_t* pixels) {
  if (setjmp(decoder.back) != 0) return false;
  jpeg_start_decompress(&decoder.info);
  for (int i = 0; i < decoder.info.num_components; ++i)
    if (decoder.info.comp_info[i].quant_table == nullptr) {  // libjpeg would show it as zeros
      std::snprintf(decoder.message, sizeof decoder.message, "no scan has colour channel %d", i + 1);
      return false;
    }
  for (int i = 0; decoder.info.progressive_mode != 0 && i < decoder.info.num_components; ++i)
    if (decoder.info.coef_bits[i][0] < 0) {
      std::snprintf(decoder.message, sizeof decoder.message, "no scan has the means of colour channel %d",
                    i + 1);
      return false;
    }
  const std::size_t stride =
      std::size_t{decoder.info.output_width} * static_cast<std::size_t>(decoder.info.output_components);
  while (decoder.info.output_scanline < decoder.info.output_height) {
    JSAMPROW row = pixels + stride * decoder.info.output_scanline;
    jpeg_read_scanlines(&decoder.info, &row, 1);
  }
  jpeg_finish_decompress(&decoder.info);
  return true;
}

/// Checks the header before memory is taken for pixels.
void check_header(const jpeg_decompress_struct& info, std::size_t bytes, std::string_view name) {
  const std::string who = std::string(name) + ":";
  check_size(name, info.image_width, info.image_height);
  const int channels = info.num_components;
  check(channels == 1 || channels == 3 || channels == 4, who, "is a JPEG with", channels,
        "colour channels; 1, 3 or 4 are read");
  // Its blocks may take next to no bits, so that no size of file warrants any memory; nobody writes it.
  check(!info.arith_code, who, "is a JPEG with arithmetic coding; those with Huffman coding are read");
  Index blocks = 0;
  for (int i = 0; i < channels; ++i)
    blocks += Index{info.comp_info[i].width_in_blocks} * Index{info.comp_info[i].height_in_blocks};
  check(blocks <= kBlocksPerByte * static_cast<Index>(bytes), who, "is a damaged JPEG: it claims",
        info.image_width, "x", info.image_height, "pixels, more than", bytes, "bytes can hold");
}

/// Pillow's conversion. Adobe's files hold the inverse of the ink, and Pillow takes all CMYK JPEGs for such.
void ink_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, Index pixels) {
  for (Index i = 0; i < pixels; ++i, cmyk += 4, rgb += 3) {
    const int white = cmyk[3];
    for (int c = 0; c < 3; ++c) {
      const int product = (255 - cmyk[c]) * white + 128;
      rgb[c] = static_cast<std::uint8_t>(std::clamp(white - ((product >> 8) + product) / 256, 0, 255));
    }
  }
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> bytes, std::string_view name) {
  Decoder decoder;
  auto damaged = [&] {
    const std::string who = std::string(name) + ": ", what = decoder.message;
    return Error(decoder.unusual
                     ? who + "is an unusual JPEG: " + what + "; baseline and progressive ones are read"
                     : who + "is a damaged JPEG: " + what);
  };
  if (!read_header(decoder, bytes)) throw damaged();
  check_header(decoder.info, bytes.size(), name);

  const int channels = decoder.info.num_components;
  decoder.info.out_color_space = channels == 4 ? JCS_CMYK : channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
  Image image(decoder.info.image_width, decoder.info.image_height);
  image.orientation = jpeg_orientation(bytes);
  decoder.max_scans = static_cast<int>(std::min(kMaxScans, kMaxScannedPixels / (image.width * image.height)));
  if (channels == 3) {
    if (!read_pixels(decoder, image.rgb.data())) throw damaged();
    image.note = decoder.note;
    return image;
  }
  std::vector<std::uint8_t> raw(static_cast<std::size_t>(image.width * image.height * channels));
  if (!read_pixels(decoder, raw.data())) throw damaged();
  image.note = decoder.note;
  if (channels == 4)
    ink_to_rgb(raw.data(), image.rgb.data(), image.width * image.height);
  else
    for (std::size_t i = 0; i < raw.size(); ++i) std::fill_n(image.rgb.data() + i * 3, 3, raw[i]);
  return image;
}

}  // namespace data
