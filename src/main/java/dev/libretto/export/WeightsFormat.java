package dev.libretto.export;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** A file format for named arrays. */
public enum WeightsFormat {
    SAFETENSORS {
        @Override
        public void write(OutputStream output, List<NamedArray> arrays) throws IOException {
            Safetensors.write(output, arrays);
        }
    },
    NPZ {
        @Override
        public void write(OutputStream output, List<NamedArray> arrays) throws IOException {
            Npz.write(output, arrays);
        }
    };

    /** How a zip archive begins, and an empty one. */
    private static final List<byte[]> ZIP_MAGIC = List.of(new byte[] {'P', 'K', 3, 4}, new byte[] {'P', 'K', 5, 6});

    /** Where the JSON header of safetensors begins. */
    private static final int HEADER = Long.BYTES;

    /**
     * Writes arrays as float32; the output stays open.
     *
     * @throws IOException if it cannot be written
     */
    public abstract void write(OutputStream output, List<NamedArray> arrays) throws IOException;

    /**
     * Reads the arrays of a file, whose format is told by how it begins.
     *
     * @throws WeightsException if the file is in none of the formats, or is damaged
     */
    public static List<NamedArray> read(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new WeightsException(file, Files.exists(file) ? "it is not a file" : "there is no such file");
        }
        byte[] start;
        try (InputStream input = Files.newInputStream(file)) {
            start = input.readNBytes(HEADER + 1);
        }
        byte[] magic = Arrays.copyOf(start, 4);
        if (ZIP_MAGIC.stream().anyMatch(zip -> Arrays.equals(zip, magic))) {
            return Npz.read(file);
        }
        if (start.length > HEADER && start[HEADER] == '{') {
            return Safetensors.read(file);
        }
        throw new WeightsException(file, "it is neither a safetensors nor an npz file");
    }

    /**
     * Says whether arrays and as many again, in a model's layout, find room.
     *
     * @param bytes what the arrays take
     * @throws IllegalArgumentException if they do not
     */
    static void requireMemory(long bytes) {
        long available = Runtime.getRuntime().maxMemory();
        if (bytes > available / 2) {
            throw new IllegalArgumentException("its arrays take " + bytes + " bytes; Java has " + available
                    + " and needs twice as many as they take; give it more by LIBRETTO_JAVA_OPTS=-Xmx8g");
        }
    }

    /** The name on the command line. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
