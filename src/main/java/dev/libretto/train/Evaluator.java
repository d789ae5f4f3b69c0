package dev.libretto.train;

import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import dev.libretto.text.Ids;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import org.tensorflow.Result;
import org.tensorflow.Tensor;
import org.tensorflow.types.TFloat32;

/**
 * Measures how well a model predicts a text. Every character except the first is predicted once. The text is cut into rows that
 * are read in parallel, each from a zero state. With one row, each character is predicted from all before it.
 *
 * <p>In a text of documents, every character of a document and its end are predicted from what is before them in the document. Rows
 * begin with documents, so the result does not depend on their number.
 */
public final class Evaluator implements AutoCloseable {
    /** Time steps per run of the graph; does not affect the result. */
    private static final int SEQ_LENGTH = 128;

    private final int rows;
    private final int end; // of a document; NONE without documents
    private final PredictionGraph graph;

    /** Creates an evaluator that reads a text as one row. */
    public Evaluator(ModelConfig config, Weights weights) {
        this(config, 1);
        try {
            load(weights);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /**
     * Creates an evaluator that reads a text as parallel rows; {@link #load} the weights first.
     *
     * @param rows B
     */
    Evaluator(ModelConfig config, int rows) {
        this.rows = rows;
        this.end = config.end();
        this.graph = new PredictionGraph(config, SEQ_LENGTH, rows, 0);
    }

    /** Loads weights. */
    final void load(Weights weights) {
        graph.load(weights);
    }

    /**
     * Evaluates a text.
     *
     * @param ids its characters; {@link Ids#NONE}, an unknown character, is skipped
     * @throws IllegalArgumentException if fewer than two characters are known
     */
    public Evaluation evaluate(Ids ids) {
        return evaluate(ids, position -> {});
    }

    /**
     * Evaluates a text and reports progress.
     *
     * @param progress receives the number of characters predicted so far, after each run of the graph
     */
    public Evaluation evaluate(Ids ids, LongConsumer progress) {
        List<Row> text = rows(ids);
        boolean isKnown = text.stream().anyMatch(row -> row.current != Ids.NONE);
        long predicted = 0;
        double lossSum = 0;
        Result carried = null;
        List<TFloat32> zeroState = graph.zeroState();
        try {
            for (Window window = window(text); window.count() > 0; window = window(text)) {
                List<? extends Tensor> before = carried == null ? zeroState : graph.states(carried);
                Result result = graph.run(window.inputs(), window.targets(), before);
                if (carried != null) {
                    carried.close();
                }
                carried = result;
                lossSum += sum((TFloat32) result.get(0), window);
                predicted += window.count();
                progress.accept(predicted);
            }
        } finally {
            zeroState.forEach(Tensor::close);
            if (carried != null) {
                carried.close();
            }
        }
        if (predicted == 0) {
            throw new IllegalArgumentException(
                    "the text has " + (isKnown ? 1 : 0) + " characters that the model knows; it needs at least 2");
        }
        return new Evaluation(predicted, 0, lossSum / predicted);
    }

    private List<Row> rows(Ids ids) {
        long length = (ids.length() + rows - 1) / rows;
        List<Row> text = new ArrayList<>();
        long start = 0;
        for (int row = 1; row <= rows; row++) {
            long next = Math.min(row * length, ids.length());
            if (end != Ids.NONE) {
                next = ids.find(end, next);
            }
            text.add(new Row(ids, start, next));
            start = next;
        }
        return text;
    }

    /**
     * A row of the text. It predicts its known characters except the first, and the first known one of the next row.
     */
    private static final class Row {
        private final Ids ids;
        private final long end;
        private long position; // after the current character
        private int current; // NONE at the end

        Row(Ids ids, long start, long end) {
            this.ids = ids;
            this.end = end;
            this.position = start;
            this.current = nextKnown();
        }

        private int nextKnown() {
            while (position < ids.length()) {
                int id = ids.at(position++);
                if (id != Ids.NONE) {
                    return id;
                }
            }
            return Ids.NONE;
        }

        /** Advances by one character, and returns whether there is one to predict. */
        boolean fill(int[] inputs, int[] targets, int place) {
            if (current == Ids.NONE || position > end) {
                return false;
            }
            inputs[place] = current;
            current = nextKnown();
            targets[place] = Math.max(0, current);
            return current != Ids.NONE;
        }
    }

    /** The input of one run of the graph, {@code [T, B]}, and which losses count, not those past the end of a row. */
    private record Window(int[] inputs, int[] targets, boolean[] isCounted, int count) {}

    private Window window(List<Row> text) {
        int size = SEQ_LENGTH * rows;
        int count = 0;
        int[] inputs = new int[size];
        int[] targets = new int[size];
        boolean[] isCounted = new boolean[size];
        for (int place = 0; place < size; place++) {
            isCounted[place] = text.get(place % rows).fill(inputs, targets, place);
            count += isCounted[place] ? 1 : 0;
        }
        return new Window(inputs, targets, isCounted, count);
    }

    private static double sum(TFloat32 losses, Window window) {
        double sum = 0;
        for (int i = 0; i < window.isCounted().length; i++) {
            sum += window.isCounted()[i] ? losses.getFloat(i) : 0;
        }
        return sum;
    }

    @Override
    public void close() {
        graph.close();
    }
}
