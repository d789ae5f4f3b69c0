package dev.libretto.export;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
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

    /** Returns what makes a safetensors file of weights of this kind, which import then reads. */
    String conversion(Path file) {
        if (file.toString().endsWith(".weights.h5")) {
            return "it has weights without their model; load them into the model, save that as .keras and convert it";
        }
        String name = file.getFileName().toString();
        Path converted = file.resolveSibling(name.replaceFirst("\\.[^.]*$", "") + ".safetensors");
        String statements = switch (this) {
            case KERAS -> """
                        import keras, safetensors.numpy as s; \
                        w = keras.models.load_model(%s, compile=False).get_weights(); \
                        n = ["embedding"] * (len(w) %% 3 == 0) + [f"layer_{i}/{p}" for i in range((len(w) - 2) // 3) \
                        for p in ("kernel", "recurrent_kernel", "bias")] + ["dense/kernel", "dense/bias"]; \
                        s.save_file(dict(zip(n, w)), %s)""";
            case PYTORCH -> """
                        import torch, safetensors.torch as s; \
                        w = torch.load(%s, map_location="cpu", weights_only=True); \
                        s.save_file({k: v.clone().contiguous() for k, v in w.items()}, %s)""";
            case NPZ -> """
                        import numpy, safetensors.numpy as s; \
                        w = numpy.load(%s); \
                        s.save_file({k: numpy.ascontiguousarray(w[k]) for k in w if w[k].dtype.kind == "f"}, %s)""";
            default -> throw new IllegalStateException(this + " has no conversion");
        };
        return "convert it with: python3 -c '"
                + String.format(Locale.ROOT, statements, literal(file), literal(converted)) + "'";
    }

    /** Returns a string of Python without single quotes, which end an argument of a shell. */
    private static String literal(Path path) {
        return '"' + path.toString().replace("\\", "\\\\").replace("\"", "\\\"").replace("'", "\\x27") + '"';
    }

    @Override
    public String toString() {
        return description;
    }
}
