package dev.libretto.model;

import dev.libretto.model.CellSpec.Counterpart;
import dev.libretto.model.CellSpec.Library;
import dev.libretto.model.Parameter.Initializer;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.tensorflow.ndarray.Shape;

/** The recurrent cells. Their parameters have Keras's shapes and gate order. */
public enum CellType {
    /** The simple cell: {@link RnnCell}. */
    RNN(RnnCell.SPEC, RnnCell::new),
    /** The gated recurrent unit with the reset gate after the recurrent product: {@link GruCell}. */
    GRU(GruCell.SPEC, GruCell::new),
    /** The gated recurrent unit with the reset gate before the recurrent product: {@link GruResetBeforeCell}. */
    GRU_RESET_BEFORE(GruResetBeforeCell.SPEC, GruResetBeforeCell::new),
    /** The long short-term memory: {@link LstmCell}. */
    LSTM(LstmCell.SPEC, LstmCell::new);

    private final CellSpec spec;
    private final Function<Cell.Recurrent, Cell> constructor;

    CellType(CellSpec spec, Function<Cell.Recurrent, Cell> constructor) {
        this.spec = spec;
        this.constructor = constructor;
    }

    /** Returns what the cell is. */
    public CellSpec spec() {
        return spec;
    }

    /** Returns G, the number of gates: blocks of H columns in the kernels. */
    public int gates() {
        return spec.gates().length();
    }

    /** Returns the number of arrays {@code [B, H]} in its state. */
    public int states() {
        return spec.state().length();
    }

    /** Returns whether a library has the cell. */
    public boolean isIn(Library library) {
        return spec.counterparts().containsKey(library);
    }

    /**
     * Returns the same cell of a library.
     *
     * @throws IllegalArgumentException if there is none
     */
    public Counterpart in(Library library) {
        if (!isIn(library)) {
            throw new IllegalArgumentException(library.shown + " has no " + this);
        }
        return spec.counterparts().get(library);
    }

    /** Returns the index in {@link CellSpec#gates} of each gate of a library's cell, in the library's order. */
    public int[] gateOrder(Library library) {
        return in(library).gates().chars().map(spec.gates()::indexOf).toArray();
    }

    /**
     * Returns the parameters of a layer: kernel {@code [I, G·H]}, recurrent kernel {@code [H, G·H]} and bias {@code [G·H]}, or
     * {@code [2, G·H]} with a recurrent bias.
     *
     * @param layer counted from 0
     * @param inputSize I, the size of the layer's input
     * @param isOneHot whether the layer's input is one-hot vectors
     * @param hiddenSize H
     */
    List<Parameter> parameters(int layer, int inputSize, boolean isOneHot, int hiddenSize) {
        String prefix = "layer_" + layer + "/";
        long columns = (long) gates() * hiddenSize;
        Shape biasShape = spec.hasRecurrentBias() ? Shape.of(2, columns) : Shape.of(columns);
        Initializer kernel = isOneHot ? spec.oneHotKernel() : Initializer.GLOROT_UNIFORM;
        return List.of(
                new Parameter(prefix + "kernel", Shape.of(inputSize, columns), kernel),
                new Parameter(prefix + "recurrent_kernel", Shape.of(hiddenSize, columns), Initializer.ORTHOGONAL),
                new Parameter(prefix + "bias", biasShape, spec.bias()));
    }

    Cell create(Cell.Recurrent recurrent) {
        return constructor.apply(recurrent);
    }

    /** Returns the name used on the command line and in configuration files. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
