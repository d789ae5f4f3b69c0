package dev.libretto.export;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** The kind of a model or weights file, detected from its content. */
enum FileKind {
    /** HDF5 or a zip archive. */
    KERAS("a Keras file", "894844460d0a1a0a.*", ".weights.h5"),
    /** A zip archive; in early versions a pickle that begins with a magic number. */
    PYTORCH("a PyTorch file", "80028a0a6cfc.*", "data.pkl"),
    /** A zip archive. */
    NPZ("an npz file", "", ".npy"),
    /** Eight bytes for the length of the header, then the header as JSON. */
    SAFETENSORS("a safetensors file", ".{16}7b", ""),
    /** A protocol buffer that begins with its version and producer. */
    ONNX("an ONNX model", "08..12.*", ""),
    OTHER("of another kind", "", "");

    private static final int START_BYTES = 9;

    private final String description;
    private final String start;
    private final String entry;

    /**
     * @param start a pattern of the first bytes in hexadecimal; empty for none
     * @param entry the end of a name in the zip archive; empty for none
     */
    FileKind(String description, String start, String entry) {
        this.description = description;
        this.start = start;
        this.entry = entry;
    }

    /** Returns the kind of a file, which may be damaged, by how it begins. */
    static FileKind of(Path file) throws IOException {
        String hex;
        try (InputStream input = Files.newInputStream(file)) {
            hex = HexFormat.of().formatHex(input.readNBytes(START_BYTES));
        }
        List<String> entries = hex.matches("504b(0304|0506).*") ? entries(file) : List.of();
        return Arrays.stream(values())
                .filter(kind -> !kind.start.isEmpty() && hex.matches(kind.start)
                        || !kind.entry.isEmpty() && entries.stream().anyMatch(name -> name.endsWith(kind.entry)))
                .findFirst()
                .orElse(OTHER);
    }

    private static List<String> entries(Path archive) {
        try (ZipFile zip = new ZipFile(archive.toFile())) {
            return zip.stream().map(ZipEntry::getName).toList();
        } catch (IOException e) {
            return List.of();
        }
    }

    @Override
    public String toString() {
        return description;
    }
}
