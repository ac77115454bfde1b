package dev.gaur.cli;

import dev.gaur.export.Export;
import dev.gaur.export.ServerEvents;
import java.time.Duration;

/** What {@code gaur serve} says while it runs. Safe for many threads; each line is flushed. */
interface ServeReport extends ServerEvents {
    /** An image was made because there was none. */
    void made(String image, String size);

    /** A default socket could not be had; the others can. */
    void leftOut(String reason);

    /** Figures can be had at a URI; told before {@link #listening}. */
    void metrics(String uri);

    /** Clients may come. */
    void listening(Service service);

    /** Returns how often {@link #tick} is wanted; zero for never. */
    Duration interval();

    /** Time has passed. */
    void tick(Service service);

    /** All is closed. */
    void stopped(Service service);

    @Override
    void opened(Export export, String peer);

    @Override
    void closed(Export export, String peer);

    @Override
    void failed(String peer, String reason);
}
