def test_x(get, published):
    import time
    for u in ['/sdmx/v2/data/dataflow/MIGDX/DF_MIG_FLOW?format=csv','/sdmx/v1/data/DF_MIG_FLOW','/sdmx/v2/data/dataflow/MIGDX/DF_MIG_FLOW/1.0.0/A.250.IMMIG.OFF.276','/sdmx/v2/availability/dataflow/MIGDX/DF_MIG_FLOW','/sdmx/v1/availableconstraint/DF_MIG_FLOW', '/sdmx/v2/schema/dataflow/MIGDX/DF_MIG_FLOW','/sdmx/v2/data/provisionagreement/MIGDX/MIG_FLOW_DEU?format=csv', '/sdmx/v1/data/DF_MIG_FLOW/all?detail=serieskeysonly&format=csv','/sdmx/v1/data/DF_MIG_FLOW/all?detail=nodata&format=csv','/sdmx/v1/data/DF_MIG_FLOW/all?detail=dataonly&format=csv','/','/sdmx/v2/data/dataflow/MIGDX/DF_MIG_FLOW?format=jsondata&dimensionAtObservation=AllDimensions']:
        t=time.time(); r=get(u); print(u, r.status, r.headers.get('Content-Type'), len(r.data), round(time.time()-t,3)); print(r.text[:1500])
    print(r.headers)
