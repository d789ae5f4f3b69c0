package dev.libretto.generate;

import dev.libretto.device.Sessions;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import java.util.List;

/** A model computed by a graph, for bulk work: see {@link UnrolledSteps}. */
public final class GraphModel implements TextModel {
    private final ModelConfig config;
    private final Weights weights;
    /** The graph for a single row and the one for more; null until there is work for it. */
    private UnrolledSteps ofOneRow;

    private UnrolledSteps ofRows;

    public GraphModel(ModelConfig config, Weights weights) {
        this.config = config;
        this.weights = weights;
    }

    private UnrolledSteps of(int rows) {
        if (rows == 1 && Sessions.canFuseProducts()) {
            ofOneRow = ofOneRow == null ? new UnrolledSteps(config, weights, true) : ofOneRow;
            return ofOneRow;
        }
        ofRows = ofRows == null ? new UnrolledSteps(config, weights, false) : ofRows;
        return ofRows;
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    @Override
    public Step step(int[] ids, List<float[]> state) {
        return of(ids.length).step(ids, state);
    }

    @Override
    public List<float[]> read(int[][] ids, List<float[]> state) {
        return of(ids[0].length).read(ids, state);
    }

    @Override
    public List<float[]> writeGreedily(int[] ids, List<float[]> state, boolean logProbabilities, Sink sink) {
        return of(ids.length).writeGreedily(ids, state, logProbabilities, sink);
    }

    @Override
    public void close() {
        if (ofOneRow != null) {
            ofOneRow.close();
        }
        if (ofRows != null) {
            ofRows.close();
        }
    }
}
