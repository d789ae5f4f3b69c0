package dev.libretto.cli;

import static java.nio.charset.StandardCharsets.UTF_16;
import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Map.entry;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Creates the files and folders that {@code bad-input.txt} names. */
final class BadFiles {
    static final String TEXT = "the quick brown fox jumps over the lazy dog. ".repeat(20);
    /** A text with other characters, but as many distinct ones. */
    static final String TWIN = new StringBuilder(TEXT).reverse().toString().toUpperCase(Locale.ROOT);

    private static final String CENTRAL_HEADER = "504b0102";
    private static final String LOCAL_HEADER = "504b0304";
    private static final String PNG = "89504e470d0a1a0a0000000d49484452";

    @FunctionalInterface
    private interface Maker {
        void make(Path file) throws IOException;
    }

    private static final Map<String, Maker> MAKERS = Map.ofEntries(
            entry("text.txt", text(TEXT)),
            entry("twin.txt", text(TWIN)),
            entry("empty.txt", text("")),
            entry("mark.txt", text("\uFEFF")),
            entry("empty-line.txt", text("\nthe\n")),
            entry("one.txt", text("a")),
            entry("two.txt", text("ab")),
            entry("hundred.txt", text("0123456789".repeat(10))),
            entry("unknown.txt", text("不分开")),
            entry("one-known.txt", text("a不分开")),
            entry("loop.txt", file -> Files.createSymbolicLink(file, file)),
            entry("dangling.txt", file -> Files.createSymbolicLink(file, Path.of("gone.txt"))),
            entry("secret.txt", file -> without("r", text(TEXT), file)),
            entry("shut", file -> without("w", Files::createDirectory, file)),
            entry(
                    "folder",
                    file -> text("years of work")
                            .make(Files.createDirectory(file).resolve("thesis.doc"))),
            entry("runs", text("")),
            entry("runs-latest", file -> runs(file, Files::createDirectory)),
            entry("runs-latest-gone", file -> runs(file, link -> Files.createSymbolicLink(link, Path.of("gone")))),
            // Wrong encodings
            entry("ff-at-0.txt", badByteAt(0)),
            entry("ff-at-65535.txt", badByteAt(65_535)),
            entry("ff-at-65536.txt", badByteAt(65_536)),
            entry("ff-at-200000.txt", badByteAt(200_000)),
            entry("cut-utf8.txt", bytes("6162e588")),
            entry("overlong-utf8.txt", bytes("61c080")),
            entry("surrogate-utf8.txt", bytes("6162eda0bd")),
            entry("latin1.txt", bytes("636166e9")),
            entry(
                    "gb18030.txt",
                    file -> Files.write(file, TWIN.replace('T', '分').getBytes(Charset.forName("GB18030")))),
            entry("utf16.txt", file -> Files.write(file, TEXT.getBytes(UTF_16))),
            entry("utf16le-no-mark.txt", file -> Files.write(file, TEXT.getBytes(UTF_16LE))),
            entry("utf16be-no-mark.txt", file -> Files.write(file, TEXT.getBytes(UTF_16BE))),
            entry("utf32be-no-mark.txt", file -> Files.write(file, TEXT.getBytes(Charset.forName("UTF-32BE")))),
            entry(
                    "chinese-utf16le.txt",
                    file -> Files.write(file, "不分我们在这里\n".repeat(200).getBytes(UTF_16LE))),
            entry("ascii-bad-byte.txt", file -> Files.write(file, withBadByte("the sea was calm\n".repeat(100), 689))),
            entry("one-bad-byte.txt", file -> Files.write(file, withBadByte("不分开 é\n".repeat(100), 689))),
            entry("odd-utf16.txt", bytes("00610062ff")),
            entry("cut-surrogate-utf16.txt", bytes("00610062d83d")),
            entry("high-surrogate-utf32.txt", bytes("000000610000d83d")),
            entry("lost-surrogate-utf32.txt", bytes("0000d83d00000061")),
            entry("low-surrogate-utf32.txt", bytes("000000610000de00")),
            entry("picture.png", bytes(PNG)),
            // Models and weights of Libretto and other programs
            entry("cut.onnx", bytes("080812084c6962726574746f3affff7f")),
            entry("other.onnx", onnx("pytorch")),
            entry("bare.onnx", onnx("Libretto")),
            entry("keras.h5", bytes("894844460d0a1a0a00000000")),
            entry("keras.keras", zip("config.json", "model.weights.h5")),
            entry("weights.npz", zip("layer_0/kernel.npy", "dense/bias.npy")),
            entry("torch.pt", zip("net/data.pkl", "net/data/0")),
            entry("old-torch.pt", bytes("80028a0a6cfc9c46f92068a85019")),
            entry("list.json", text("[1, 2]")),
            entry("no-comma.json", text("{\n  \"cell\": \"lstm\"\n  \"layers\": 2\n}\n")),
            entry("comment.json", text("{\n  // two of them\n  \"layers\": 2\n}\n")),
            entry("wrong-layout.json", text("{\n  \"layout\": \"jax\"\n}\n")),
            entry(
                    "description.json",
                    text("{\"layout\": \"pytorch\", \"model\": {\"cell\": \"rnn\", \"vocabularySize\": 2,"
                            + " \"hiddenSize\": 2, \"layers\": 1, \"embeddingSize\": 0, \"tieEmbeddings\": false},"
                            + " \"keepNewlines\": true, \"vocabulary\": [\"a\", \"b\"]}")),
            entry("book.rtf", text("{\\rtf1\\ansi " + TEXT + "}")),
            entry("photo.heic", bytes("0000002466747970686569630000000068656963")),
            entry("book.pdf", text("%PDF-1.7\n" + TEXT)),
            entry("text.bz2", bytes("425a683931415926535900")),
            entry("text.xz", bytes("fd377a585a0000")),
            entry("text.zst", bytes("28b52ffd00")),
            entry("text.tar", BadFiles::tar),
            entry("text.tgz", gzip(BadFiles::tar)),
            // Archives
            entry("letter.docx", zip("[Content_Types].xml", "word/document.xml")),
            entry("letter.odt", zip("mimetype", "content.xml")),
            entry("bomb.zip", file -> large(file, 300 << 20)),
            entry("empty.zip", zip()),
            entry("no-text.zip", zip("readme.md", "page.html", "song.txt/")),
            entry("two-texts.zip", zip("a.txt", "b/b.TXT")),
            entry("no-bytes.zip", zip("empty.txt")),
            entry("picture.zip", zip("png.txt")),
            entry("cut.zip", file -> cut(zip("a.txt"), file)),
            entry("magic.zip", bytes("504b0304")),
            entry("trailing.zip", file -> append(zip("a.txt"), new byte[70_000], file)),
            entry("encrypted.zip", file -> patch(zip("a.txt"), CENTRAL_HEADER, 8, 9, file)),
            entry("bzip2.zip", file -> patch(zip("a.txt"), CENTRAL_HEADER, 10, 12, file)),
            entry("no-local-header.zip", file -> patch(zip("a.txt"), CENTRAL_HEADER, 42, 1, file)),
            entry("bad-deflate.zip", file -> patch(zip("a.txt"), LOCAL_HEADER, 35, 0xff, file)),
            entry("bad-byte.zip", file -> patch(zip("a.txt"), LOCAL_HEADER, 40, 0x55, file)),
            entry("empty.gz", gzip(bytes(""))),
            entry("picture.gz", gzip(bytes(PNG))),
            entry("twice.gz", gzip(gzip(text(TEXT)))),
            entry("cut.gz", file -> cut(gzip(text(TEXT)), file)),
            entry("magic.gz", bytes("1f8b")),
            entry("cut-header.gz", bytes("1f8b0800")),
            entry("method-7.gz", file -> patch(gzip(text(TEXT)), "1f8b", 2, 7, file)),
            entry("bad-deflate.gz", file -> patch(gzip(text(TEXT)), "1f8b", 10, 0xff, file)),
            entry("bad-byte.gz", file -> patch(gzip(text(TEXT)), "1f8b", 20, 0x55, file)));

    private BadFiles() {}

    /** Creates the named file in a folder, if it is one of these. */
    static void make(Path folder, String name) throws IOException {
        Maker maker = MAKERS.get(name);
        if (maker != null) {
            maker.make(folder.resolve(name));
        }
    }

    /** Without metadata. */
    private static Maker onnx(String producer) {
        return file -> Files.write(
                file,
                ModelProto.newBuilder()
                        .setIrVersion(8)
                        .setProducerName(producer)
                        .setGraph(GraphProto.newBuilder().setName("net"))
                        .build()
                        .toByteArray());
    }

    private static Maker text(String text) {
        return file -> Files.writeString(file, text);
    }

    private static Maker bytes(String hex) {
        return file -> Files.write(file, HexFormat.of().parseHex(hex));
    }

    private static Maker badByteAt(int offset) {
        byte[] bytes = new byte[offset + 10];
        Arrays.fill(bytes, (byte) 'a');
        bytes[offset] = (byte) 0xff;
        return file -> Files.write(file, bytes);
    }

    private static byte[] withBadByte(String text, int offset) {
        byte[] bytes = text.getBytes(UTF_8);
        byte[] longer = Arrays.copyOf(bytes, bytes.length + 1);
        longer[offset] = (byte) 0xff;
        System.arraycopy(bytes, offset, longer, offset + 1, bytes.length - offset);
        return longer;
    }

    /** The format of {@code tar --format=v7}, which has no signature. */
    private static void tar(Path file) throws IOException {
        byte[] header = new byte[512];
        Arrays.fill(header, 148, 156, (byte) ' ');
        System.arraycopy("text.txt".getBytes(UTF_8), 0, header, 0, 8);
        System.arraycopy("0000644".getBytes(UTF_8), 0, header, 100, 7);
        int sum = 0;
        for (byte value : header) {
            sum += value;
        }
        System.arraycopy(String.format("%06o\0 ", sum).getBytes(UTF_8), 0, header, 148, 8);
        Files.write(file, header);
        Files.writeString(file, TEXT, StandardOpenOption.APPEND);
    }

    /** A zip of one repeated character. */
    private static void large(Path file, int bytes) throws IOException {
        byte[] part = new byte[1 << 20];
        Arrays.fill(part, (byte) 'a');
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
            zip.putNextEntry(new ZipEntry("a.txt"));
            for (int i = 0; i < bytes >> 20; i++) {
                zip.write(part);
            }
        }
    }

    private static void runs(Path file, Maker latest) throws IOException {
        latest.make(Files.createDirectory(file.resolveSibling("runs")).resolve("latest"));
    }

    /** A file without a permission; root has every permission and skips the test. */
    private static void without(String permission, Maker maker, Path file) throws IOException {
        maker.make(file);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x".replace(permission, "-")));
        assumeFalse(Files.isReadable(file) && Files.isWritable(file), "this user may read and write everything");
    }

    /** A zip whose entries have a line of text, except empty.txt and png.txt. */
    private static Maker zip(String... names) {
        return file -> {
            try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
                for (String name : names) {
                    zip.putNextEntry(new ZipEntry(name));
                    zip.write(
                            switch (name) {
                                case "empty.txt", "song.txt/" -> new byte[0];
                                case "png.txt" -> HexFormat.of().parseHex(PNG);
                                default -> "the quick brown fox".getBytes(UTF_8);
                            });
                }
            }
        };
    }

    private static Maker gzip(Maker content) {
        return file -> {
            ByteArrayOutputStream packed = new ByteArrayOutputStream();
            try (OutputStream gzip = new GZIPOutputStream(packed)) {
                gzip.write(made(content, file));
            }
            Files.write(file, packed.toByteArray());
        };
    }

    private static void cut(Maker maker, Path file) throws IOException {
        byte[] whole = made(maker, file);
        Files.write(file, Arrays.copyOf(whole, whole.length / 2));
    }

    private static void append(Maker maker, byte[] more, Path file) throws IOException {
        byte[] whole = made(maker, file);
        byte[] longer = Arrays.copyOf(whole, whole.length + more.length);
        System.arraycopy(more, 0, longer, whole.length, more.length);
        Files.write(file, longer);
    }

    /** Sets the byte at an offset from a signature. */
    private static void patch(Maker maker, String signature, int offset, int value, Path file) throws IOException {
        byte[] bytes = made(maker, file);
        int start = HexFormat.of().formatHex(bytes).indexOf(signature) / 2;
        bytes[start + offset] = (byte) value;
        Files.write(file, bytes);
    }

    private static byte[] made(Maker maker, Path file) throws IOException {
        maker.make(file);
        return Files.readAllBytes(file);
    }
}
