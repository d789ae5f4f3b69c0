package dev.libretto.generate;

import dev.libretto.device.Sessions;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import java.util.List;

/** Runs a model with a graph, which is faster for long texts and many rows. */
public final class GraphModel implements TextModel {
    private final ModelConfig config;
    private final Weights weights;
    /** The graph for a single row; null until needed. */
    private DecodingGraph ofOneRow;
    /** The graph for any number of rows; null until needed. */
    private DecodingGraph ofRows;

    public GraphModel(ModelConfig config, Weights weights) {
        this.config = config;
        this.weights = weights;
    }

    private DecodingGraph of(int rows) {
        if (rows == 1 && Sessions.canFuseProducts()) {
            ofOneRow = ofOneRow == null ? new DecodingGraph(config, weights, true) : ofOneRow;
            return ofOneRow;
        }
        ofRows = ofRows == null ? new DecodingGraph(config, weights, false) : ofRows;
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
