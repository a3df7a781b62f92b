/* An FFmpeg whose h264_nvenc and hevc_nvenc are there, and fail: loaded before the real libraries.
 *
 * They are the software encoders under other names. FAULT says what goes wrong:
 *   late   frames from FAULT_PTS on are refused
 *   black  frames from FAULT_PTS on are encoded as black ones, with success
 *   wide   pictures wider than 4096 are refused when the encoder is opened
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <stdlib.h>
#include <string.h>

static int next_is_faulty;
static AVCodecContext *faulty[64];
static int count;

static int is_faulty(const AVCodecContext *context) {
    for (int i = 0; i < count; i++)
        if (faulty[i] == context)
            return 1;
    return 0;
}

static int fault_is(const char *kind) {
    const char *fault = getenv("FAULT");
    return fault && !strcmp(fault, kind);
}

const AVCodec *avcodec_find_encoder_by_name(const char *name) {
    const AVCodec *(*real)(const char *) = dlsym(RTLD_NEXT, "avcodec_find_encoder_by_name");
    int is_h264 = !strcmp(name, "h264_nvenc");
    next_is_faulty = is_h264 || !strcmp(name, "hevc_nvenc");
    return real(next_is_faulty ? (is_h264 ? "libx264" : "libx265") : name);
}

AVCodecContext *avcodec_alloc_context3(const AVCodec *codec) {
    AVCodecContext *(*real)(const AVCodec *) = dlsym(RTLD_NEXT, "avcodec_alloc_context3");
    AVCodecContext *context = real(codec);
    if (next_is_faulty && count < 64)
        faulty[count++] = context;
    next_is_faulty = 0;
    return context;
}

void avcodec_free_context(AVCodecContext **context) {
    void (*real)(AVCodecContext **) = dlsym(RTLD_NEXT, "avcodec_free_context");
    for (int i = 0; i < count; i++)
        if (faulty[i] == *context)
            faulty[i] = NULL;
    real(context);
}

int avcodec_open2(AVCodecContext *context, const AVCodec *codec, AVDictionary **options) {
    int (*real)(AVCodecContext *, const AVCodec *, AVDictionary **) = dlsym(RTLD_NEXT, "avcodec_open2");
    if (!is_faulty(context))
        return real(context, codec, options);
    if (fault_is("wide") && context->width > 4096)
        return AVERROR(EINVAL);
    /* The options of the hardware's encoder mean nothing to the one behind it. */
    av_dict_free(options);
    av_opt_set(context->priv_data, "preset", "ultrafast", 0);
    av_opt_set(context->priv_data, "x265-params", "log-level=error", 0);
    return real(context, codec, NULL);
}

int avcodec_send_frame(AVCodecContext *context, const AVFrame *frame) {
    int (*real)(AVCodecContext *, const AVFrame *) = dlsym(RTLD_NEXT, "avcodec_send_frame");
    const char *from = getenv("FAULT_PTS");
    if (!frame || !is_faulty(context) || !from || frame->pts < atoll(from))
        return real(context, frame);
    if (fault_is("late"))
        return AVERROR_EXTERNAL;
    if (!fault_is("black"))
        return real(context, frame);
    AVFrame *black = av_frame_clone(frame);
    int code = av_frame_make_writable(black);
    for (int y = 0; code >= 0 && y < black->height; y++)
        memset(black->data[0] + y * black->linesize[0], 16, black->width);
    code = code < 0 ? code : real(context, black);
    av_frame_free(&black);
    return code;
}
