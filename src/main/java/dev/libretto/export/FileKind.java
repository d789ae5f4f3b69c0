package dev.libretto.export;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.ZipFile;

/** The kind of a model or weights file, detected from its content. */
enum FileKind {
    SAFETENSORS("a safetensors file"),
    NPZ("an npz file"),
    ONNX("an ONNX model"),
    KERAS("a Keras file"),
    PYTORCH("a PyTorch file"),
    OTHER("of another kind");

    /** The offset of the JSON header in safetensors. */
    private static final int HEADER = Long.BYTES;

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
            List<String> names = zip.stream().map(entry -> entry.getName()).toList();
            if (names.stream().anyMatch(name -> name.endsWith("data.pkl"))) {
                return PYTORCH;
            }
            return names.stream().anyMatch(name -> name.endsWith(".weights.h5")) ? KERAS : NPZ;
        } catch (IOException e) {
            return NPZ;
        }
    }

    @Override
    public String toString() {
        return description;
    }
}
