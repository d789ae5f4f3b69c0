package dev.libretto.model;

import dev.libretto.model.Parameter.Initializer;
import java.util.List;
import java.util.Map;

/**
 * What a cell is, apart from its equations.
 *
 * @param gates a letter for each gate, in the order of its blocks of H columns in the kernels, which is Keras's
 * @param state a letter for each array {@code [B, H]} of the state; the first is the output
 * @param oneHotKernel the initial kernel of a layer that reads one-hot vectors
 * @param bias the initial bias
 * @param hasRecurrentBias whether the recurrent product has its own bias, row 1 of an array {@code [2, G·H]}
 * @param kept the arrays {@code [B, H]} that a time step keeps for its derivatives, besides its output and the previous state
 * @param counterparts the same cell in each library that has it
 */
public record CellSpec(
        String gates,
        String state,
        Initializer oneHotKernel,
        Initializer bias,
        boolean hasRecurrentBias,
        List<String> kept,
        Map<Library, Counterpart> counterparts) {
    /** A library with cells of its own. */
    public enum Library {
        CUDNN("cuDNN"),
        PYTORCH("PyTorch"),
        ONNX("ONNX");

        final String shown;

        Library(String shown) {
            this.shown = shown;
        }
    }

    /**
     * A cell of a library.
     *
     * @param gates the letters of {@link CellSpec#gates} in the library's order
     * @param attributes further attributes of the operator
     */
    public record Counterpart(String name, String gates, Map<String, Integer> attributes) {
        Counterpart(String name, String gates) {
            this(name, gates, Map.of());
        }
    }
}
