package dev.libretto.export;

import dev.libretto.LibrettoException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A file format for named arrays. */
enum WeightsFormat {
    SAFETENSORS {
        @Override
        void write(OutputStream output, List<NamedArray> arrays) throws IOException {
            Safetensors.write(output, arrays);
        }
    },
    NPZ {
        @Override
        void write(OutputStream output, List<NamedArray> arrays) throws IOException {
            Npz.write(output, arrays);
        }
    };

    /**
     * Writes arrays as float32; the output stays open.
     *
     * @throws IOException if it cannot be written
     */
    abstract void write(OutputStream output, List<NamedArray> arrays) throws IOException;

    /**
     * Reads the arrays of a file, whose format is detected from its content.
     *
     * @throws LibrettoException if the file has another format or is damaged
     */
    static List<NamedArray> read(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw LibrettoException.in(file, Files.exists(file) ? "it is not a file" : "there is no such file");
        }
        FileKind kind = FileKind.of(file);
        return switch (kind) {
            case NPZ -> Npz.read(file);
            case SAFETENSORS -> Safetensors.read(file);
            case KERAS, PYTORCH ->
                throw LibrettoException.in(
                        file,
                        "it is " + kind + "; save its weights as safetensors or npz first, as docs/exporting.md shows");
            case ONNX ->
                throw LibrettoException.in(
                        file, "it is " + kind + ", for generate --model; import reads safetensors and npz");
            case OTHER -> throw LibrettoException.in(file, "it is neither a safetensors nor an npz file");
        };
    }

    /**
     * Throws if arrays and their copy in another layout do not fit into memory.
     *
     * @param bytes the size of the arrays
     */
    static void requireMemory(long bytes) {
        long available = Runtime.getRuntime().maxMemory();
        if (bytes > available / 2) {
            throw new IllegalArgumentException(
                    "its arrays have " + bytes + " bytes, and reading them needs twice that, but" + " Java has "
                            + available + "; raise the limit with LIBRETTO_JAVA_OPTS=-Xmx8g");
        }
    }
}
