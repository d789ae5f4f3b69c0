package dev.libretto.export;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** The kind of a model or weights file, detected from its content. */
enum FileKind {
    SAFETENSORS("a safetensors file"),
    ONNX("an ONNX model"),
    KERAS("a Keras file"),
    PYTORCH("a PyTorch file"),
    NPZ("an npz file"),
    OTHER("of another kind");

    /** The offset of the JSON header in safetensors. */
    private static final int HEADER = Long.BYTES;

    /** A file in the zip archive of each kind that is one. */
    private static final Map<String, FileKind> IN_ARCHIVE =
            Map.of("data.pkl", PYTORCH, ".weights.h5", KERAS, ".npy", NPZ);

    private static final List<String> ZIP = List.of("504b0304", "504b0506");
    /** Used by Keras for {@code .h5}. */
    private static final String HDF5 = "894844460d0a1a0a";
    /** Used by PyTorch before it switched to zip archives. */
    private static final String PICKLE = "8002";
    /** The first field of an ONNX model. */
    private static final String IR_VERSION = "08";
    /** The second field of an ONNX model. */
    private static final byte PRODUCER_NAME = 0x12;

    private final String description;

    FileKind(String description) {
        this.description = description;
    }

    /** Returns the kind of a file, which may be damaged, by how it begins. */
    static FileKind of(Path file) throws IOException {
        byte[] start;
        try (InputStream input = Files.newInputStream(file)) {
            start = input.readNBytes(HEADER + 1);
        }
        String hex = HexFormat.of().formatHex(start);
        if (ZIP.stream().anyMatch(hex::startsWith)) {
            return ofArchive(file);
        }
        if (hex.startsWith(HDF5)) {
            return KERAS;
        }
        if (hex.startsWith(PICKLE)) {
            return PYTORCH;
        }
        if (start.length > HEADER && start[HEADER] == '{') {
            return SAFETENSORS;
        }
        return hex.startsWith(IR_VERSION) && start.length > 2 && start[2] == PRODUCER_NAME ? ONNX : OTHER;
    }

    private static FileKind ofArchive(Path file) {
        try (ZipFile zip = new ZipFile(file.toFile())) {
            List<String> names = zip.stream().map(ZipEntry::getName).toList();
            return IN_ARCHIVE.entrySet().stream()
                    .filter(kind -> names.stream().anyMatch(name -> name.endsWith(kind.getKey())))
                    .map(Map.Entry::getValue)
                    .findFirst()
                    .orElse(OTHER);
        } catch (IOException e) {
            return OTHER;
        }
    }

    @Override
    public String toString() {
        return description;
    }
}
